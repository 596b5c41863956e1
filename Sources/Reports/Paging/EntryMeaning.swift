import Emulator
import IA32

extension EntryText {
  /// What an entry says on a walk, such as "PT 000105000  P RW S A" or "4K 000300000  P RW S a d".
  public static func meaning(_ step: PageWalk.Step, _ control: PagingControl) -> String {
    let isLeaf = isLeaf(step, control)
    let bits = bits(step.value, level: step.level, isLeaf: isLeaf)
    guard step.value & EntryBit.present != 0 else { return bits }
    var target = step.value & (control.mode == .pae ? 0x000f_ffff_ffff_f000 : 0xffff_f000)
    let what: String
    if isLeaf {
      let isLarge = step.level == .pde
      if isLarge { target &= ~((1 << UInt64(control.largePageShift)) &- 1) }
      what = size(isLarge: isLarge, control)
    } else {
      what = step.level == .pdpte ? "PD" : "PT"
    }
    var text = "\(what) \(PhysicalAddress(target))  \(bits)"
    if case .reservedBits = step.verdict { text += "  \(step.verdict.text)" }
    return text
  }

  /// Whether the entry maps a page, if it is present.
  public static func isLeaf(_ step: PageWalk.Step, _ control: PagingControl) -> Bool {
    switch step.level {
    case .pdpte: false
    case .pde: step.value & EntryBit.pageSize != 0 && (control.mode == .pae || control.pageSizeExtensions)
    case .pte: true
    }
  }
}

extension PageWalk.Step {
  /// Where the entry lies in memory: a PDPTE, which comes from its register, in the table that CR3 points to.
  public func place(cr3: UInt32, _ linear: UInt32) -> UInt64 {
    address ?? UInt64(cr3 & ~31) + UInt64(linear >> 30) * 8
  }
}
