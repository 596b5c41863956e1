import Emulator

/// Writes a trace as text: one event a line, for people and for `git diff`.
public final class TextWriter: TraceSink {
  private let file: OutputFile
  private let isExact: Bool
  private let place: (EventMoment) -> String?
  private var buffer: [UInt8] = []
  public private(set) var count: UInt64 = 0
  private static let bufferSize = 1 << 16

  public var failure: TraceError? { file.failure }
  public var isReplacing: Bool { file.isReplacing }

  /// - Parameters:
  ///   - map: of the image: its segments are kept.
  ///   - place: what to say of the place where an event happened, such as "flush_one+0x4 (tlb.c:12)"; printable, on one line.
  /// - Throws: `TraceError` if the file can't be made.
  public init(
    path: String, header: TraceHeader, map: ImageMap = ImageMap(),
    place: @escaping (EventMoment) -> String? = { _ in nil }
  ) throws(TraceError) {
    file = try OutputFile(creating: path)
    isExact = header.isExact
    self.place = place
    for line in TextLayout.header(header, map) { buffer += "\(line)\n".utf8 }
    flush()
    if let failure { throw failure }
  }

  public func append(_ event: MachineEvent, _ moment: EventMoment) { append(TraceEvent(event, moment)) }

  /// Takes an event of another trace.
  public func append(_ event: TraceEvent) {
    buffer += TextLayout.line(event, isExact: isExact, place: place(event.moment)).utf8
    buffer.append(0x0a)
    count += 1
    if buffer.count >= Self.bufferSize { flush() }
  }

  private func flush() {
    file.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  public func finish(_ ending: TraceEnding, _ place: TracePlacement) throws(TraceError) -> String {
    // How long the run took changes with every change of the guest: it is for the exact form.
    let lines =
      isExact ? ending.lines : ending.lines.filter { !$0.hasPrefix("cycles") && !$0.hasPrefix("instr") }
    for line in lines { buffer += "# \(line)\n".utf8 }
    flush()
    return try file.finish(place)
  }
}
