import Emulator
import IA32

/// Writes a binary trace. Every block that is in the file can be read, whatever becomes of the writer.
public final class TraceWriter: TraceSink {
  private let file: OutputFile
  private let compressor = Compressor()
  /// Behind a pointer: an access to it is not checked for another at the same time.
  private let encoder: UnsafeMutablePointer<EventEncoder>
  private var index = BlockIndex()
  private var firstCycle: UInt64 = 0
  private var lastCycle: UInt64 = 0
  private var written: UInt64 = 0
  private let line: (UInt32) -> String?
  private var places: [UInt32: String?] = [:]
  /// Places that are noted already, by their low bits: asked before the dictionary.
  private let recentPlaces: UnsafeMutablePointer<UInt32>
  private static let recentCount = 4096

  public var failure: TraceError? { file.failure }
  public var isReplacing: Bool { file.isReplacing }
  public var count: UInt64 { written &+ UInt64(encoder.pointee.count) }

  /// - Parameter line: the source line of the code at a linear address; asked for events that are no instruction or access.
  /// - Throws: `TraceError` if the file can't be made.
  public init(
    path: String, header: TraceHeader, map: ImageMap, line: @escaping (UInt32) -> String? = { _ in nil }
  ) throws(TraceError) {
    file = try OutputFile(creating: path)
    self.line = line
    encoder = .allocate(capacity: 1)
    encoder.initialize(to: EventEncoder())
    recentPlaces = .allocate(capacity: Self.recentCount)
    recentPlaces.initialize(repeating: 0, count: Self.recentCount)
    let text = Array(header.lines.map { $0 + "\n" }.joined().utf8)
    let shapes = EventKind.allCases.filter(header.kinds.contains).map { EventSchema.lines(of: $0) + "\n" }
    let names = Array((shapes.joined() + map.text).utf8)
    let packed = names.withUnsafeBytes { compressor.compress($0, level: $0.count > 1 << 20 ? 3 : 19) }
    var preamble = TraceLayout.magic
    preamble.append(little: UInt32(TraceHeader.version))
    preamble.append(little: UInt32(text.count))
    preamble.append(little: UInt32(names.count))
    preamble.append(little: UInt32(packed.count))
    preamble.append(little: Checksum.of(preamble, text, packed))
    file.write(preamble, text, packed)
    if let failure { throw failure }
  }

  deinit {
    encoder.deinitialize(count: 1)
    encoder.deallocate()
    recentPlaces.deallocate()
  }

  @inline(__always)
  public func append(_ event: MachineEvent, _ moment: EventMoment) {
    if encoder.pointee.count == 0 { firstCycle = moment.cycle }
    encoder.pointee.append(event, moment)
    lastCycle = moment.cycle
    if Self.isNoted(event) {
      let recent = recentPlaces + Int(moment.linear & UInt32(Self.recentCount - 1))
      if recent.pointee != moment.linear {
        recent.pointee = moment.linear
        note(moment.linear)
      }
    }
    closeBlockIfFull()
  }

  @inline(__always)
  private static func isNoted(_ event: MachineEvent) -> Bool {
    switch event {
    case .instruction, .access: false
    default: true
    }
  }

  /// An event that comes from another trace.
  public func append(_ event: TraceEvent) {
    if encoder.pointee.count == 0 { firstCycle = event.moment.cycle }
    encoder.pointee.append(event)
    lastCycle = event.moment.cycle
    closeBlockIfFull()
  }

  @inline(__always)
  private func closeBlockIfFull() {
    if encoder.pointee.events.count &+ encoder.pointee.times.count >= TraceLayout.blockBytes
      || lastCycle &- firstCycle >= TraceLayout.blockCycles
    {
      closeBlock()
    }
  }

  @inline(never)
  private func note(_ linear: UInt32) {
    guard places.count < TraceLayout.maxPlaces, places[linear] == nil else { return }
    let text = line(linear).map(PrintableText.escaped)
    places.updateValue(text.flatMap { $0.utf8.count <= TraceLayout.maxPlaceBytes ? $0 : nil }, forKey: linear)
  }

  @inline(never)
  private func closeBlock() {
    let (events, times) = (encoder.pointee.events.bytes, encoder.pointee.times.bytes)
    let (packedEvents, packedTimes) = (compressor.compress(events), compressor.compress(times))
    var header: [UInt8] = []
    header.append(little: TraceLayout.blockMagic)
    header.append(little: encoder.pointee.count)
    header.append(little: UInt32(events.count))
    header.append(little: UInt32(packedEvents.count))
    header.append(little: UInt32(times.count))
    header.append(little: UInt32(packedTimes.count))
    header.append(little: written)
    header.append(little: firstCycle)
    header.append(little: lastCycle)
    header.append(little: Checksum.of(header, packedEvents, packedTimes))
    index.add(IndexEntry(offset: file.length, firstEvent: written, firstCycle: firstCycle))
    file.write(header, packedEvents, packedTimes)
    written += UInt64(encoder.pointee.count)
    encoder.pointee.reset()
  }

  public func finish(_ ending: TraceEnding, _ place: TracePlacement) throws(TraceError) -> String {
    if encoder.pointee.count > 0 { closeBlock() }
    var lines = ending.lines
    lines += index.entries.map { "block: \($0.offset) \($0.firstEvent) \($0.firstCycle)" }
    for (linear, line) in places.sorted(by: { $0.key < $1.key }) {
      if let line { lines.append("place: \(hexadecimal(UInt64(linear), digits: 8)) \(line)") }
    }
    let text = Array(lines.map { $0 + "\n" }.joined().utf8)
    let packed = text.withUnsafeBytes { compressor.compress($0, level: 19) }
    var footer: [UInt8] = []
    footer.append(little: TraceLayout.footerMagic)
    footer.append(little: UInt32(text.count))
    footer.append(little: UInt64(packed.count))
    footer.append(little: Checksum.of(footer, packed))
    var trailer: [UInt8] = []
    trailer.append(little: file.length)
    trailer += TraceLayout.trailerMagic
    file.write(footer, packed, trailer)
    return try file.finish(place)
  }
}
