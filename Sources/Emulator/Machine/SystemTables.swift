/// The registers that say where the descriptor tables and the task state lie. SDM vol. 3A, 2.4.
public struct SystemTables: Hashable, Sendable {
  /// GDTR or IDTR.
  public struct Table: Hashable, Sendable {
    /// A linear address.
    public var base: UInt32
    /// The highest offset in bytes.
    public var limit: UInt16
  }

  public var gdt: Table
  public var idt: Table
  /// LDTR with what it caches; its access byte is 0 after a null selector.
  public var ldt: RegisterFile.Segment
  /// TR with what it caches.
  public var task: RegisterFile.Segment
}

extension Machine {
  /// Where the descriptor tables and the task state lie.
  public var systemTables: SystemTables {
    let state = cpu.state.pointee
    func segment(_ cache: SegmentCache) -> RegisterFile.Segment {
      RegisterFile.Segment(
        selector: cache.selector, base: cache.base, limit: cache.limit, access: cache.access,
        is32Bit: cache.is32Bit)
    }
    return SystemTables(
      gdt: .init(base: state.gdtr.base, limit: state.gdtr.limit),
      idt: .init(base: state.idtr.base, limit: state.idtr.limit), ldt: segment(state.ldtr),
      task: segment(state.tr))
  }
}
