import Emulator
import IA32

/// What takes the fields of an event, one after the other: a `TraceEvent`, or an encoder's memory.
protocol FieldSink {
  /// Takes a field that the event has.
  mutating func put(_ field: some EventFields, _ value: UInt64)
}

extension FieldSink {
  /// Takes a field if the event has it.
  @inline(__always)
  mutating func put(_ field: some EventFields, _ value: UInt64?) {
    if let value { put(field, value) }
  }
}

extension TraceEvent {
  /// An event as the machine tells it.
  public init(_ event: MachineEvent, _ moment: EventMoment) {
    self.init(kind: .instruction, moment: moment)
    kind = event.put(into: &self)
    if case .walk(let walk) = event { duration = walk.cycles }
  }
}

extension MachineEvent {
  /// Hands the event's fields to `sink`, and says which kind has them.
  @inline(__always)
  func put(into sink: inout some FieldSink) -> EventKind {
    switch self {
    case .instruction(let event):
      sink.put(InstructionFields.length, UInt64(event.length))
      sink.put(InstructionFields.privilegeLevel, UInt64(event.privilegeLevel))
      return .instruction
    case .access(let event):
      sink.put(AccessFields.linear, UInt64(event.linear))
      sink.put(AccessFields.physical, event.physical)
      sink.put(AccessFields.bytes, UInt64(event.bytes))
      sink.put(AccessFields.access, event.access.number)
      return .access
    case .walk(let event):
      event.put(into: &sink)
      return .walk
    case .tlbFill(let event):
      event.put(into: &sink)
      return .tlbFill
    case .tlbEvict(let event):
      event.put(into: &sink)
      return .tlbEvict
    case .flush(let event):
      event.put(into: &sink)
      return .flush
    case .pteStore(let event):
      event.put(into: &sink)
      return .pteStore
    case .fault(let event):
      sink.put(FaultFields.vector, UInt64(event.vector))
      sink.put(FaultFields.errorCode, UInt64(event.errorCode))
      let isPageFault = event.vector == ExceptionVector.pageFault.rawValue
      if isPageFault { sink.put(FaultFields.linear, UInt64(event.linear)) }
      return .fault
    case .interrupt(let event):
      sink.put(InterruptFields.vector, UInt64(event.vector))
      sink.put(InterruptFields.source, event.isSoftware ? 1 : 0)
      return .interrupt
    case .mmio(let event):
      event.put(into: &sink)
      return .mmio
    case .port(let event):
      event.put(into: &sink)
      return .port
    case .task(let event):
      event.put(into: &sink)
      return .task
    case .mode(let event):
      sink.put(ModeFields.register, UInt64(event.register.rawValue))
      sink.put(ModeFields.old, event.old)
      sink.put(ModeFields.new, event.new)
      return .mode
    case .console(let event):
      sink.put(ConsoleFields.port, UInt64(event.port.rawValue))
      sink.put(ConsoleFields.byte, UInt64(event.byte))
      return .console
    }
  }
}

extension WalkEvent {
  @inline(__always)
  func put(into sink: inout some FieldSink) {
    sink.put(WalkFields.linear, UInt64(linear))
    sink.put(WalkFields.access, access.number)
    sink.put(WalkFields.pdpte, pdpte)
    if let pde {
      sink.put(WalkFields.pdeAddress, pde.address)
      sink.put(WalkFields.pde, pde.value)
    }
    if let pte {
      sink.put(WalkFields.pteAddress, pte.address)
      sink.put(WalkFields.pte, pte.value)
    }
    let updates: UInt64 = (updatedDirectory ? 1 : 0) | (updatedLeaf ? 2 : 0)
    if updates != 0 { sink.put(WalkFields.updates, updates) }
    if let fault { sink.put(WalkFields.fault, UInt64(fault.rawValue)) }
    if let frame {
      sink.put(WalkFields.frame, frame)
      sink.put(WalkFields.page, isLarge ? 1 : 0)
    }
  }
}

extension EntryStoreEvent {
  @inline(__always)
  func put(into sink: inout some FieldSink) {
    sink.put(StoreFields.address, address)
    sink.put(StoreFields.old, old)
    sink.put(StoreFields.new, new)
    sink.put(StoreFields.writer, UInt64(writer.rawValue))
    sink.put(StoreFields.linear, UInt64(linear))
  }
}

extension TLBEvent {
  fileprivate func put(into sink: inout some FieldSink) {
    sink.put(TLBFields.array, UInt64(TLBArrayName.allCases.firstIndex(of: array) ?? 0))
    sink.put(TLBFields.set, UInt64(set))
    sink.put(TLBFields.way, UInt64(way))
    sink.put(TLBFields.linear, UInt64(linear))
    sink.put(TLBFields.frame, frame)
    var rights: UInt64 = 0
    for (bit, isSet) in [isWritable, isUser, isGlobal, isNoExecute, isDirty].enumerated() where isSet {
      rights |= 1 << UInt64(bit)
    }
    sink.put(TLBFields.rights, rights)
  }
}

extension FlushEvent {
  fileprivate func put(into sink: inout some FieldSink) {
    switch self {
    case .page(let linear):
      sink.put(FlushFields.by, FlushFields.Cause.invlpg.rawValue)
      sink.put(FlushFields.linear, UInt64(linear))
    case .cr3(let value, let keepsGlobal):
      sink.put(FlushFields.by, FlushFields.Cause.cr3.rawValue)
      sink.put(FlushFields.cr3, UInt64(value))
      sink.put(FlushFields.keepsGlobal, keepsGlobal ? 1 : 0)
    case .everything: sink.put(FlushFields.by, FlushFields.Cause.everything.rawValue)
    }
  }
}

extension BusEvent {
  fileprivate func put(into sink: inout some FieldSink) {
    sink.put(BusFields.address, address)
    sink.put(BusFields.bytes, UInt64(bytes))
    sink.put(BusFields.access, isWrite ? 1 : 0)
    sink.put(BusFields.value, value)
  }
}

extension TaskEvent {
  fileprivate func put(into sink: inout some FieldSink) {
    switch self {
    case .addressSpace(let old, let new):
      sink.put(TaskFields.register, TaskFields.Register.cr3.rawValue)
      sink.put(TaskFields.old, UInt64(old))
      sink.put(TaskFields.new, UInt64(new))
    case .taskRegister(let selector):
      sink.put(TaskFields.register, TaskFields.Register.tr.rawValue)
      sink.put(TaskFields.new, UInt64(selector))
    }
  }
}

extension PageAccess {
  /// read, write, fetch, and the same three for user mode.
  @inline(__always)
  var number: UInt64 { UInt64(kind.rawValue) &+ (isUser ? 3 : 0) }

  /// Whether `number` stands for a write.
  static func isWrite(number: UInt64) -> Bool { number % 3 == 1 }
}
