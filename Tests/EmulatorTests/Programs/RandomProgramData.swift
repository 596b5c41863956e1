import IA32

@testable import Emulator

/// Exchanges and moves of random programs.
extension CodeWriter {
  // MARK: Exchanges

  mutating func exchange() {
    let width = width()
    let wide = width == 1 ? 0 : 1
    switch below(6) {
    case 0:
      // xchg eax, register
      let register = register()
      if width == 2 { byte(0x66) }
      byte(0x90 + register)
      count()
      forget(0)
      forget(register)
    case 1, 2:
      let target = anyOperand(width: width)
      let register = register(width: width)
      let adds = chance(2)
      let encoded = encode(target)
      emit(adds ? 0x1c0 | wide : 0x86 | wide, register, encoded, width: width, lock: mayLock(target, true))
      forget(register, width: width)
      if case .register(let number) = target { forget(number, width: width) }
      if adds { flagsAfter() }
    case 3, 4:
      let target = anyOperand(width: width)
      let register = register(width: width)
      if case .memory(let place) = target, chance(2) {
        // mov eax, [place]: the comparison will hold.
        byte(0xa1)
        doubleword(place)
        count()
        forget(0)
      }
      let encoded = encode(target, sparing: [0])
      emit(0x1b0 | wide, register, encoded, width: width, lock: mayLock(target, true))
      if case .register(let number) = target { forget(number, width: width) }
      forget(0)
      flagsAfter()
    default:
      let place = place()
      if chance(2) {
        byte(0xa1)
        doubleword(place)
        byte(0x8b, 0x15)
        doubleword(place &+ 4)
        count(2)
        forget(0)
        forget(2)
      }
      let encoded = encode(.memory(place), sparing: [0, 2])
      emit(0x1c7, 1, encoded, width: 4, lock: chance(3))
      forget(0)
      forget(2)
      flagsAfter(changed: .zero)
    }
  }

  // MARK: Moves

  mutating func move() {
    let width = width()
    let wide = width == 1 ? 0 : 1
    switch below(5) {
    case 0:
      let register = register(width: width)
      if width == 2 { byte(0x66) }
      byte((width == 1 ? 0xb0 : 0xb8) + register)
      immediate(value(), width: width)
      count()
      forget(register, width: width)
    case 1:
      let target = anyOperand(width: width)
      let encoded = encode(target)
      emit(0xc6 | wide, 0, encoded, width: width)
      immediate(value(), width: width)
      if case .register(let number) = target { forget(number, width: width) }
    case 2:
      // The accumulator at an address in the instruction.
      let place = place()
      let store = chance(2)
      let short = chance(3)
      if short { bytes([0x64, 0x67]) }
      if width == 2 { byte(0x66) }
      byte((store ? 0xa2 : 0xa0) | UInt8(wide))
      if short { word(place &- HostProcess.base) } else { doubleword(place) }
      count()
      if !store { forget(0) }
    default:
      let target = anyOperand(width: width)
      let register = register(width: width)
      let encoded = encode(target)
      if chance(2) {
        emit(0x88 | wide, register, encoded, width: width)
        if case .register(let number) = target { forget(number, width: width) }
      } else {
        emit(0x8a | wide, register, encoded, width: width)
        forget(register, width: width)
      }
    }
  }

  mutating func extend() {
    let width = wideWidth()
    let narrow = chance(2)
    let register = register()
    let encoded = encode(anyOperand(width: narrow ? 1 : 2))
    emit((chance(2) ? 0x1b6 : 0x1be) | (narrow ? 0 : 1), register, encoded, width: width)
    forget(register)
  }

  mutating func lea() {
    let register = register()
    let encoded = encode(.memory(value()))
    emit(0x8d, register, encoded, width: wideWidth())
    forget(register)
  }

  mutating func small() {
    switch below(5) {
    case 0:
      if chance(2) { byte(0x66) }
      byte(0x98)
      forget(0)
    case 1:
      if chance(2) { byte(0x66) }
      byte(0x99)
      forget(2)
    case 2:
      let register = register()
      byte(0x0f, 0xc8 + register)
      forget(register)
    case 3:
      // XLAT: EBX + AL, somewhere in the window.
      if chance(2) {
        set(3, place() & ~0xff | UInt32(below(256)))
        byte(0xd7)
      } else {
        bytes([0x64, 0x67, 0xd7])
      }
      forget(0)
    default: byte(0x90)
    }
    count()
  }
}
