import FloatingPoint
import IA32

/// A register that can be changed from outside.
public enum WritableRegister: Hashable, Sendable {
  case general(GeneralRegister)
  /// The next instruction's offset in CS. A processor in HLT goes on there.
  case eip
  /// The flags that POPF at CPL 0 can change, with RF; the others stay. SDM vol. 1, 3.4.3.
  case eflags
  /// A segment register, with all that a load of the selector caches; CPL stays, and so does memory.
  case segment(SegmentRegister)
  /// ST(0) to ST(7): sign and exponent above the significand. The tag stays as it is.
  case x87(UInt8)
  /// A word of the floating-point unit beside its registers.
  case x87Word(X87Word)
  /// XMM0 to XMM7.
  case xmm(UInt8)
  /// MXCSR; bits that the processor reserves stay clear.
  case mxcsr

  /// The floating-point unit's words, by gdb's names.
  public enum X87Word: UInt8, CaseIterable, Hashable, Sendable {
    case fctrl, fstat, ftag, fiseg, fioff, foseg, fooff, fop
  }
}

extension Machine {
  /// EFLAGS without those that can't be changed from outside: CF, PF, AF, ZF, SF, TF, IF, DF, OF, IOPL, NT, RF, AC, VIF, VIP, ID.
  private static let writableFlags: UInt32 = 0x003d_7fd5

  /// Changes a register from outside.
  func write(_ register: WritableRegister, _ value: UInt128) {
    let state = cpu.state
    let low = UInt32(truncatingIfNeeded: value)
    switch register {
    case .general(let general): cpu[general] = low
    case .eip:
      state.pointee.eip = low
      state.pointee.isHalted = false
      // A repeated string instruction that the processor held is not the next any more.
      cpu.heldString.letGo()
    case .eflags:
      let kept = state.pointee.eflags & ~Self.writableFlags
      state.pointee.eflags = kept | low & Self.writableFlags
      cpu.modeChanged()
    case .segment(let register):
      guard let cache = segment(register, UInt16(truncatingIfNeeded: low)) else { return }
      state.pointee[register] = cache
      cpu.heldString.letGo()
      cpu.modeChanged()
    case .x87(let index):
      let place = state.pointee.x87.place(index)
      state.pointee.x87.registers[place] = ExtendedFloat(
        significand: UInt64(truncatingIfNeeded: value), signExponent: UInt16(truncatingIfNeeded: value >> 64))
    case .x87Word(let word): write(word, low)
    case .xmm(let number):
      state.pointee.sse[number] = XMMValue(
        low: UInt64(truncatingIfNeeded: value), high: UInt64(truncatingIfNeeded: value >> 64))
    case .mxcsr: state.pointee.sse.control.rawValue = low & cpu.model.writableMXCSR
    }
  }

  private func write(_ word: WritableRegister.X87Word, _ value: UInt32) {
    let half = UInt16(truncatingIfNeeded: value)
    let state = cpu.state
    switch word {
    case .fctrl: state.pointee.x87.loadControl(half)
    case .fstat: state.pointee.x87.status = half
    case .ftag: state.pointee.x87.tags = half
    case .fiseg: state.pointee.x87.instruction.selector = half
    case .fioff: state.pointee.x87.instruction.offset = value
    case .foseg: state.pointee.x87.operand.selector = half
    case .fooff: state.pointee.x87.operand.offset = value
    case .fop: state.pointee.x87.opcode = half & 0x7ff
    }
  }

  /// What a segment register holds after a load of the selector; nil where it can't be loaded as the processor stands. Looked up
  /// in the tables that GDTR and LDTR name, and as a debugger looks: the guest sees nothing of it. SDM vol. 3A, 5.5 and 5.8.
  func segment(_ register: SegmentRegister, _ selector: UInt16) -> SegmentCache? {
    let state = cpu.state.pointee
    if state.isVirtual8086 { return SegmentCache(virtual8086: selector, isCode: register == .cs) }
    if !state.isProtected {
      let old = state[register]
      return SegmentCache(
        realMode: selector, limit: old.limit, is32Bit: old.is32Bit, isCode: register == .cs)
    }
    let level = UInt8(selector & 3)
    if selector < 4 {
      guard register != .cs, register != .ss else { return nil }
      var cache = SegmentCache()
      cache.selector = selector
      return cache
    }
    guard let descriptor = descriptor(selector), descriptor.isPresent, descriptor.isCodeOrData else {
      return nil
    }
    let isRight =
      switch register {
      case .cs: descriptor.isCode && level == state.privilegeLevel
      case .ss:
        descriptor.isWritable && level == state.privilegeLevel
          && descriptor.privilegeLevel == state.privilegeLevel
      default:
        descriptor.isReadable
          && (descriptor.isConforming || max(level, state.privilegeLevel) <= descriptor.privilegeLevel)
      }
    return isRight ? SegmentCache(selector, descriptor) : nil
  }

  private func descriptor(_ selector: UInt16) -> Descriptor? {
    let state = cpu.state.pointee
    let offset = UInt32(selector & ~7)
    let isLocal = selector & 4 != 0
    let (base, limit) =
      isLocal ? (state.ldtr.base, state.ldtr.limit) : (state.gdtr.base, UInt32(state.gdtr.limit))
    guard !isLocal || state.ldtr.isUsable, offset | 7 <= limit else { return nil }
    var value: UInt64 = 0
    for index in 0..<8 as Range<UInt32> {
      guard let byte = onlookersByte(base &+ offset &+ index) else { return nil }
      value |= UInt64(byte) << UInt64(8 * index)
    }
    return Descriptor(value)
  }

  private func onlookersByte(_ linear: UInt32) -> UInt8? {
    let control = pagingControl
    var physical = UInt64(linear)
    if control.mode != .off {
      let address = LinearAddress(linear)
      let held = lookUp(address, fetch: false)?.line.entry.translation
      guard
        let translation = held
          ?? walkAsProcessor(address, PageAccess(.read, user: false)).translation
      else { return nil }
      physical = translation.physical(of: linear, largePageShift: control.largePageShift)
    }
    return peek(PhysicalAddress(physical), count: 1)?.first
  }
}
