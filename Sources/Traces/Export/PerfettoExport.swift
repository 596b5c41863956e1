import Emulator
import IA32

/// Perfetto's trace format, for ui.perfetto.dev and its trace processor. One cycle is shown as one nanosecond.
///
/// Tracks: the functions that run (where instructions were recorded), faults and modes, page walks, the TLB, page tables,
/// accesses, devices, the console; and curves (`PerfettoCounters`). A flow leads from each store to a paging-structure entry to the next walk that reads it.
public struct PerfettoExport: TraceExport {
  /// What the tracks are called; the number is the UUID.
  enum Track: UInt64, CaseIterable {
    case processor = 1
    case functions, events, walker, tlb, pageTables, accesses, devices, console

    var name: String {
      switch self {
      case .processor: "guest"
      case .functions: "CPU"
      case .events: "Faults and modes"
      case .walker: "Page walker"
      case .tlb: "TLB"
      case .pageTables: "Page tables"
      case .accesses: "Accesses"
      case .devices: "Devices"
      case .console: "Console"
      }
    }
  }

  /// Field numbers of protos/perfetto/trace.
  private enum Field {
    static let packet: UInt64 = 1
    // TracePacket
    static let timestamp: UInt64 = 8
    static let sequence: UInt64 = 10
    static let trackEvent: UInt64 = 11
    static let trackDescriptor: UInt64 = 60
    // TrackDescriptor
    static let uuid: UInt64 = 1
    static let trackName: UInt64 = 2
    static let process: UInt64 = 3
    static let parent: UInt64 = 5
    static let counter: UInt64 = 8
    // CounterDescriptor
    static let unitName: UInt64 = 6
    // ProcessDescriptor
    static let pid: UInt64 = 1
    static let processName: UInt64 = 6
    // TrackEvent
    static let annotations: UInt64 = 4
    static let type: UInt64 = 9
    static let track: UInt64 = 11
    static let name: UInt64 = 23
    static let counterValue: UInt64 = 30
    static let flows: UInt64 = 47
    static let endingFlows: UInt64 = 48
    // DebugAnnotation
    static let unsigned: UInt64 = 3
    static let string: UInt64 = 6
    static let annotationName: UInt64 = 10
  }

  private enum Kind: UInt64 {
    case begin = 1
    case end = 2
    case instant = 3
    case counter = 4
  }

  /// Stores whose use is still awaited.
  private static let maxFlows = 1 << 16

  private var function: String?
  private var lastCycle: UInt64 = 0
  private var flows: [UInt64: UInt64] = [:]
  private var lastFlow: UInt64 = 0
  private var counters = PerfettoCounters([])

  /// An export before its header.
  public init() {}

  public mutating func begin(_ header: TraceHeader) -> [UInt8] {
    counters = PerfettoCounters(header.kinds)
    return tracks(header) + counters.curves.flatMap(Self.descriptor)
  }

  private static func descriptor(_ curve: PerfettoCounters.Curve) -> [UInt8] {
    var counter = ProtobufMessage()
    counter.add(Field.unitName, string: curve.unit)
    var descriptor = ProtobufMessage()
    descriptor.add(Field.uuid, varint: curve.rawValue)
    descriptor.add(Field.parent, varint: Track.processor.rawValue)
    descriptor.add(Field.trackName, string: curve.name)
    descriptor.add(Field.counter, message: counter)
    var packet = ProtobufMessage()
    packet.add(Field.sequence, varint: 1)
    packet.add(Field.trackDescriptor, message: descriptor)
    return framed(packet)
  }

  private func tracks(_ header: TraceHeader) -> [UInt8] {
    Track.allCases.flatMap { track in
      var descriptor = ProtobufMessage()
      descriptor.add(Field.uuid, varint: track.rawValue)
      if track == .processor {
        var process = ProtobufMessage()
        process.add(Field.pid, varint: 1)
        process.add(
          Field.processName, string: header.image.split(separator: "/").last.map(String.init) ?? "guest")
        descriptor.add(Field.process, message: process)
      } else {
        descriptor.add(Field.parent, varint: Track.processor.rawValue)
        descriptor.add(Field.trackName, string: track.name)
      }
      var packet = ProtobufMessage()
      packet.add(Field.sequence, varint: 1)
      packet.add(Field.trackDescriptor, message: descriptor)
      return Self.framed(packet)
    }
  }

  private static func framed(_ packet: ProtobufMessage) -> [UInt8] {
    var trace = ProtobufMessage()
    trace.add(Field.packet, message: packet)
    return trace.bytes
  }

  public mutating func take(_ event: TraceEvent, number: UInt64, symbol: String?) -> [UInt8] {
    lastCycle = event.moment.cycle
    return slices(event, symbol) + counters.take(event).flatMap { count($0, $1, at: event.moment.cycle) }
  }

  private func count(_ curve: PerfettoCounters.Curve, _ value: UInt64, at cycle: UInt64) -> [UInt8] {
    var message = ProtobufMessage()
    message.add(Field.type, varint: Kind.counter.rawValue)
    message.add(Field.track, varint: curve.rawValue)
    message.add(Field.counterValue, varint: value)
    return packet(message, at: cycle)
  }

  private mutating func slices(_ event: TraceEvent, _ symbol: String?) -> [UInt8] {
    switch event.kind {
    case .instruction: return instruction(event, symbol)
    case .walk: return walk(event, symbol)
    default:
      var message = self.event(.instant, Self.track(event.kind), name: Self.name(event))
      annotate(&message, event, symbol)
      if event.kind == .pteStore, flows.count < Self.maxFlows {
        lastFlow += 1
        flows[event[StoreFields.address]] = lastFlow
        message.add(Field.flows, fixed64: lastFlow)
      }
      return packet(message, at: event.moment.cycle)
    }
  }

  public mutating func end() -> [UInt8] {
    guard function != nil else { return [] }
    return packet(event(.end, .functions, name: nil), at: lastCycle)
  }

  // MARK: Kinds

  private static func track(_ kind: EventKind) -> Track {
    switch kind {
    case .access: .accesses
    case .tlbFill, .tlbEvict, .flush: .tlb
    case .pteStore: .pageTables
    case .mmio, .port: .devices
    case .console: .console
    default: .events
    }
  }

  /// What is written on the event: its kind and the field that says most.
  private static func name(_ event: TraceEvent) -> String {
    let fields = EventSchema.fields(of: event.kind)
    let index = event.kind == .console ? ConsoleFields.byte.rawValue : 0
    return "\(event.kind.name) \(fields[index].text(event[index]))"
  }

  /// One slice for each stretch in one function.
  private mutating func instruction(_ event: TraceEvent, _ symbol: String?) -> [UInt8] {
    let name =
      symbol.map { String(BuildNames.function($0)) }
      ?? hexadecimal(UInt64(event.moment.linear & ~0xfff), digits: 8)
    guard name != function else { return [] }
    var bytes: [UInt8] = []
    if function != nil { bytes += packet(self.event(.end, .functions, name: nil), at: event.moment.cycle) }
    function = name
    var message = self.event(.begin, .functions, name: name)
    Self.annotate(&message, "cpl", number: event[InstructionFields.privilegeLevel])
    return bytes + packet(message, at: event.moment.cycle)
  }

  /// Told at its end.
  private mutating func walk(_ event: TraceEvent, _ symbol: String?) -> [UInt8] {
    var message = self.event(.begin, .walker, name: Self.name(event))
    annotate(&message, event, symbol)
    for field in [WalkFields.pdeAddress, .pteAddress] {
      if let address = event.value(field), let flow = flows.removeValue(forKey: address) {
        message.add(Field.endingFlows, fixed64: flow)
      }
    }
    let end = event.moment.cycle
    return packet(message, at: end &- min(end, event.duration))
      + packet(self.event(.end, .walker, name: nil), at: end)
  }

  // MARK: Messages

  private func event(_ kind: Kind, _ track: Track, name: String?) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(Field.type, varint: kind.rawValue)
    message.add(Field.track, varint: track.rawValue)
    if let name { message.add(Field.name, string: name) }
    return message
  }

  private func annotate(_ message: inout ProtobufMessage, _ event: TraceEvent, _ symbol: String?) {
    for (index, field) in EventSchema.fields(of: event.kind).enumerated() where event.has(index) {
      Self.annotate(&message, field.name, field.text(event[index]))
    }
    Self.annotate(&message, "eip", hexadecimal(UInt64(event.moment.eip), digits: 8))
    if let symbol { Self.annotate(&message, "symbol", symbol) }
    Self.annotate(&message, "instruction", number: event.moment.instruction)
  }

  private static func annotate(_ message: inout ProtobufMessage, _ name: String, _ text: String) {
    var annotation = ProtobufMessage()
    annotation.add(Field.annotationName, string: name)
    annotation.add(Field.string, string: text)
    message.add(Field.annotations, message: annotation)
  }

  private static func annotate(_ message: inout ProtobufMessage, _ name: String, number: UInt64) {
    var annotation = ProtobufMessage()
    annotation.add(Field.annotationName, string: name)
    annotation.add(Field.unsigned, varint: number)
    message.add(Field.annotations, message: annotation)
  }

  private func packet(_ event: ProtobufMessage, at cycle: UInt64) -> [UInt8] {
    var packet = ProtobufMessage()
    packet.add(Field.timestamp, varint: cycle)
    packet.add(Field.sequence, varint: 1)
    packet.add(Field.trackEvent, message: event)
    return Self.framed(packet)
  }
}
