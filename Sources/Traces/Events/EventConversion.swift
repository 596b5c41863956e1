import Emulator
import IA32

/// The numbers of an event, in the order of `EventSchema`.
extension TraceEvent {
  /// - Parameter event: as the machine tells it.
  public init(_ event: MachineEvent, _ moment: EventMoment) {
    self.init(kind: UInt8(event.kind.rawValue.trailingZeroBitCount), moment: moment)
    switch event {
    case .instruction(let event):
      set(0, UInt64(event.length))
      set(1, UInt64(event.privilegeLevel))
    case .access(let event):
      set(0, UInt64(event.linear))
      set(1, event.physical)
      set(2, UInt64(event.bytes))
      set(3, event.access.number)
    case .walk(let event): set(event)
    case .tlbFill(let event), .tlbEvict(let event): set(event)
    case .flush(let event): set(event)
    case .pteStore(let event):
      set(0, event.address)
      set(1, event.old)
      set(2, event.new)
      set(3, UInt64(event.writer.rawValue))
      set(4, UInt64(event.linear))
    case .fault(let event):
      set(0, UInt64(event.vector))
      set(1, UInt64(event.errorCode))
      if event.vector == ExceptionVector.pageFault.rawValue { set(2, UInt64(event.linear)) }
    case .interrupt(let event):
      set(0, UInt64(event.vector))
      set(1, event.isSoftware ? 1 : 0)
    case .mmio(let event), .port(let event):
      set(0, event.address)
      set(1, UInt64(event.bytes))
      set(2, event.isWrite ? 1 : 0)
      set(3, event.value)
    case .task(.addressSpace(let old, let new)):
      set(0, 0)
      set(1, UInt64(old))
      set(2, UInt64(new))
    case .task(.taskRegister(let selector)):
      set(0, 1)
      set(2, UInt64(selector))
    case .mode(let event):
      set(0, UInt64(event.register.rawValue))
      set(1, event.old)
      set(2, event.new)
    case .console(let event):
      set(0, UInt64(event.port.rawValue))
      set(1, UInt64(event.byte))
    }
  }

  private mutating func set(_ event: WalkEvent) {
    set(0, UInt64(event.linear))
    set(1, event.access.number)
    set(2, event.pdpte)
    set(3, event.pde?.address)
    set(4, event.pde?.value)
    set(5, event.pte?.address)
    set(6, event.pte?.value)
    let updates: UInt64 = (event.updatedDirectory ? 1 : 0) | (event.updatedLeaf ? 2 : 0)
    if updates != 0 { set(7, updates) }
    set(8, (event.fault?.rawValue).map { UInt64($0) })
    set(9, event.frame)
    if event.frame != nil { set(10, event.isLarge ? 1 : 0) }
    duration = event.cycles
  }

  private mutating func set(_ event: TLBEvent) {
    set(0, UInt64(TLBArrayName.allCases.firstIndex(of: event.array) ?? 0))
    set(1, UInt64(event.set))
    set(2, UInt64(event.way))
    set(3, UInt64(event.linear))
    set(4, event.frame)
    var rights: UInt64 = 0
    for (bit, isSet) in [event.isWritable, event.isUser, event.isGlobal, event.isNoExecute, event.isDirty]
      .enumerated() where isSet
    { rights |= 1 << UInt64(bit) }
    set(5, rights)
  }

  private mutating func set(_ event: FlushEvent) {
    switch event {
    case .page(let linear):
      set(0, 0)
      set(1, UInt64(linear))
    case .cr3(let value, let keepsGlobal):
      set(0, 1)
      set(2, UInt64(value))
      set(3, keepsGlobal ? 1 : 0)
    case .everything: set(0, 2)
    }
  }
}

extension PageAccess {
  /// read, write, fetch, and the same three for user mode.
  @inline(__always)
  var number: UInt64 { UInt64(kind.rawValue) &+ (isUser ? 3 : 0) }
}
