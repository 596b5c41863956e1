import Emulator
import IA32
import TestSupport

/// Events with fields of all sizes, in an order that a machine might have.
enum RandomEvents {
  static func make(_ count: Int, _ random: inout SeededGenerator) -> [(MachineEvent, EventMoment)] {
    var moment = EventMoment(cycle: 0, instruction: 0, eip: 0xfff0, linear: 0xffff_fff0)
    return (0..<count).map { _ in
      if random.next() % 3 != 0 {
        moment.cycle &+= random.next() % 200
        moment.instruction &+= random.next() % 3
        moment.eip = random.next() % 8 == 0 ? random.word() : moment.eip &+ random.word() % 16
        moment.linear = random.next() % 16 == 0 ? random.word() : moment.eip
      }
      if random.next() % 20 == 0 { moment.processor = random.next() % 4 == 0 ? random.byte() : 0 }
      if random.next() % 500 == 0 { moment.cycle = random.next() }
      return (event(&random), moment)
    }
  }

  private static func access(_ random: inout SeededGenerator) -> PageAccess {
    let kinds: [PageAccess.Kind] = [.read, .write, .fetch]
    return PageAccess(kinds[Int(random.next() % 3)], user: random.flag())
  }

  private static func address(_ random: inout SeededGenerator) -> UInt64 {
    random.next() & 0x000f_ffff_ffff_ffff
  }

  private static func event(_ random: inout SeededGenerator) -> MachineEvent {
    switch random.next() % 14 {
    case 0, 1:
      .instruction(
        InstructionEvent(length: UInt8(random.next() % 15 + 1), privilegeLevel: random.flag() ? 0 : 3))
    case 2:
      .access(
        AccessEvent(
          linear: random.word(), physical: address(&random), bytes: UInt8(random.next() % 8 + 1),
          access: access(&random)))
    case 3: .walk(walk(&random))
    case 4: .tlbFill(tlb(&random))
    case 5: .tlbEvict(tlb(&random))
    case 6:
      switch random.next() % 3 {
      case 0: .flush(.page(random.word()))
      case 1: .flush(.cr3(random.word(), keepsGlobal: random.flag()))
      default: .flush(.everything)
      }
    case 7:
      .pteStore(
        EntryStoreEvent(
          address: address(&random), old: random.next(), new: random.next(),
          writer: random.flag() ? .walker : .instruction, linear: random.word()))
    case 8:
      random.flag()
        ? .fault(FaultEvent(vector: 14, errorCode: random.word() & 31, linear: random.word()))
        : .fault(FaultEvent(vector: random.byte() & 31 & ~14, errorCode: 0, linear: 0))
    case 9: .interrupt(InterruptEvent(vector: random.byte(), isSoftware: random.flag()))
    case 10: random.flag() ? .mmio(bus(&random)) : .port(bus(&random))
    case 11:
      random.flag()
        ? .task(.addressSpace(old: random.word(), new: random.word()))
        : .task(.taskRegister(UInt16(truncatingIfNeeded: random.next())))
    case 12:
      .mode(
        ModeEvent(
          register: ModeEvent.Register.allCases[Int(random.next() % 4)], old: random.next(),
          new: random.next()))
    default: .console(ConsoleEvent(port: random.flag() ? .serial : .debug, byte: random.byte()))
    }
  }

  private static func bus(_ random: inout SeededGenerator) -> BusEvent {
    BusEvent(
      address: address(&random), bytes: 1 << (random.byte() & 3), isWrite: random.flag(), value: random.next()
    )
  }

  private static func tlb(_ random: inout SeededGenerator) -> TLBEvent {
    TLBEvent(
      array: TLBArrayName.allCases[Int(random.next() % 4)], set: random.byte() & 15, way: random.byte() & 3,
      linear: random.word() & ~0xfff, frame: address(&random) & ~0xfff, isWritable: random.flag(),
      isUser: random.flag(), isGlobal: random.flag(), isNoExecute: random.flag(), isDirty: random.flag())
  }

  private static func walk(_ random: inout SeededGenerator) -> WalkEvent {
    var walk = WalkEvent(linear: random.word(), access: access(&random))
    if random.flag() { walk.pdpte = random.next() }
    if random.next() % 4 != 0 { walk.pde = WalkEvent.Entry(address: address(&random), value: random.next()) }
    if random.next() % 4 != 0 { walk.pte = WalkEvent.Entry(address: address(&random), value: random.next()) }
    walk.updatedDirectory = random.flag()
    walk.updatedLeaf = random.flag()
    if random.flag() {
      walk.fault = PageFaultErrorCode(rawValue: random.word() & 31)
    } else {
      walk.frame = address(&random) & ~0xfff
      walk.isLarge = random.flag()
    }
    walk.cycles = random.next() % 300
    return walk
  }
}
