import IA32

/// Flags that every program may change.
extension CPU {
  func flag(_ operation: FlagOperation) {
    let state = state
    switch operation {
    case .cmc: state.pointee.flags.replace(carry: !state.pointee.flags.carry)
    case .clc: state.pointee.flags.replace(carry: false)
    case .stc: state.pointee.flags.replace(carry: true)
    case .cld: state.pointee.systemFlags &= ~EFLAGS.direction.rawValue
    case .std: state.pointee.systemFlags |= EFLAGS.direction.rawValue
    case .salc: setRegister(0, state.pointee.flags.carry ? UInt8.max : 0)
    case .sahf:
      let kept = state.pointee.flags.arithmeticFlags & EFLAGS.overflow.rawValue
      state.pointee.flags = LazyFlags(arithmeticFlags: kept | UInt32(register(4, as: UInt8.self)) & 0xd5)
    case .lahf: setRegister(4, UInt8(truncatingIfNeeded: state.pointee.flags.arithmeticFlags & 0xd5 | 2))
    }
  }
}
