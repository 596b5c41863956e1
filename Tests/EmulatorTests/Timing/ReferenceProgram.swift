import TestSupport

@testable import Emulator

/// A program that knows what it does: from a seed both the machine code and the list of its instructions' accesses and
/// branches, so that `ReferenceModel` needs no CPU. Pieces of code lie scattered over many pages, data over more; a loop
/// leads through all of it a few times.
struct ReferenceProgram {
  enum Step {
    /// Cycles by itself, loads (their load-use latency), the accesses in order.
    case plain(cycles: UInt64, loads: UInt64, [Access])
    case invalidate(UInt32)
    case push
    case pop
    case setCounter(UInt32)
    /// `dec edi` before `jnz` back to a step of the same piece; `dec esi` for the last one of all.
    case countDown
    case countDownOuter
    case branchBack(step: Int, UInt32, outer: Bool)
    /// A conditional branch that does or does not go over the next step.
    case branchOver(taken: Bool, UInt32)
    case jump(step: Int)
    case call(function: Int, indirect: Bool)
    case halt
  }

  struct Access {
    var linear: UInt32
    var bytes: UInt32
    var isWrite: Bool
  }

  private struct Placed {
    var address: UInt32
    var length: UInt32
    var step: Step
  }

  private static let rounds: UInt32 = 4
  private static let pieces = 50
  private static let functions: UInt32 = 0x1c_0000
  private var steps: [Placed] = []
  private var random: SeededGenerator

  private init(_ seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// Runs the program on a machine and on the model; the differences.
  static func differences(seed: UInt64) throws -> [String] {
    var program = ReferenceProgram(seed)
    let bare = try BareMachine(.full)
    bare.mapIdentity(largeFrom: 2, to: 4)
    for page in 2048..<3072 as Range<UInt32> {
      // A, D and PCD by chance.
      var entry = UInt64(page) << 12 | 7 | UInt64(program.random.below(4)) << 5
      if program.random.oneIn(16) { entry |= 0x10 }
      bare.setPage(page, entry)
    }
    for index in [4, 5] as [UInt32] where program.random.oneIn(2) {
      let place = BareMachine.directory + 8 * index
      bare.poke64(place, bare.peek64(place) & ~0x20)
    }
    try program.write(to: bare)
    try bare.turnPagingOn()
    var model = ReferenceModel(bare)
    let before = bare.machine.counters
    let stop = bare.machine.run(untilCycle: 1_000_000_000)
    program.execute(on: &model)
    let differences = model.differences(bare.machine, since: before)
    return stop == .halted ? differences : ["stopped: \(stop)"] + differences
  }

  // MARK: Writing

  private mutating func write(to bare: BareMachine) throws {
    for function in 0..<4 as Range<UInt32> {
      // inc eax; ret
      try bare.poke(Self.functions + 0x1000 * function + 28 * function, [0x40, 0xc3])
    }
    // Two pages a piece: it may run into the next one, never into another piece.
    var places = (0..<Self.pieces).map { BareMachine.code + 0x2000 * UInt32($0) + random.below(0xff0) }
    places[1...].shuffle(using: &random)
    places[0] = BareMachine.code
    for piece in 0..<Self.pieces {
      var code = CodeBuilder(at: places[piece])
      if piece == 0 { add(&code, .setCounter(Self.rounds), [0xbe], Self.rounds) }
      for _ in 0..<3 + random.below(9) { addRandom(&code) }
      if piece + 1 < Self.pieces {
        let next = steps.count + 1
        add(&code, .jump(step: next), [0xe9], places[piece + 1] &- (code.here + 5))
      } else {
        add(&code, .countDownOuter, [0x4e])
        let start = steps[1].address
        add(&code, .branchBack(step: 1, start, outer: true), [0x0f, 0x85], start &- (code.here + 6))
        add(&code, .halt, [0xf4])
      }
      try bare.poke(code.base, code.bytes)
    }
  }

  private mutating func add(_ code: inout CodeBuilder, _ step: Step, _ bytes: [UInt8], _ word: UInt32? = nil)
  {
    let start = code.here
    code.emit(bytes)
    if let word { code.word(word) }
    steps.append(Placed(address: start, length: code.here - start, step: step))
  }

  private mutating func addRandom(_ code: inout CodeBuilder) {
    switch random.below(20) {
    case 0: add(&code, .plain(cycles: 1, loads: 0, []), [0x05], random.below(.max))  // add eax, n
    case 1: add(&code, .plain(cycles: 4, loads: 0, []), [0x0f, 0xaf, 0xc3])  // imul eax, ebx
    case 2: add(&code, .plain(cycles: 9, loads: 0, []), [0xfa])  // cli
    case 3...12: addAccess(&code)
    case 13:
      add(&code, .push, [0x53])
      add(&code, .plain(cycles: 1, loads: 0, []), [0x89, 0xc3])
      add(&code, .pop, [0x5b])
    case 14:
      let place = dataAddress()
      add(&code, .invalidate(place), [0x0f, 0x01, 0x3d], place)
    case 15, 16:
      let count = 1 + random.below(9)
      add(&code, .setCounter(count), [0xbf], count)
      let start = (steps.count, code.here)
      for _ in 0..<1 + random.below(3) { addAccess(&code) }
      add(&code, .countDown, [0x4f])
      add(&code, .branchBack(step: start.0, start.1, outer: false), [0x0f, 0x85], start.1 &- (code.here + 6))
    case 17:
      let taken = random.oneIn(2)
      add(&code, .plain(cycles: 1, loads: 0, []), [taken ? 0xf9 : 0xf8])  // stc, clc
      add(&code, .branchOver(taken: taken, code.here + 11), [0x0f, 0x82], 5)  // jc
      add(&code, .plain(cycles: 1, loads: 0, []), [0x05], 1)
    default:
      let function = Int(random.below(4))
      let place = functionAddress(function)
      if random.oneIn(2) {
        add(&code, .call(function: function, indirect: false), [0xe8], place &- (code.here + 5))
      } else {
        add(&code, .plain(cycles: 1, loads: 0, []), [0xbb], place)
        add(&code, .call(function: function, indirect: true), [0xff, 0xd3])
      }
    }
  }

  private func functionAddress(_ function: Int) -> UInt32 {
    Self.functions + 0x1000 * UInt32(function) + 28 * UInt32(function)
  }

  private mutating func dataAddress() -> UInt32 {
    switch random.below(5) {
    case 0: 4 << 20 + random.below(4 << 20 - 8)
    case 1: 8 << 20 + random.below(8) << 16 + random.below(0xff0)  // one set of the TLB
    case 2: 8 << 20 + random.below(64) << 12  // one set of the caches
    case 3: 8 << 20 + random.below(1 << 16)
    default: 8 << 20 + random.below(4 << 20 - 8)
    }
  }

  private mutating func addAccess(_ code: inout CodeBuilder) {
    let place = dataAddress()
    let read = Access(linear: place, bytes: 4, isWrite: false)
    let write = Access(linear: place, bytes: 4, isWrite: true)
    switch random.below(6) {
    case 0, 1: add(&code, .plain(cycles: 1, loads: 1, [read]), [0x8b, 0x1d], place)  // mov ebx, [place]
    case 2: add(&code, .plain(cycles: 1, loads: 0, [write]), [0x89, 0x1d], place)  // mov [place], ebx
    case 3:
      let byte = Access(linear: place, bytes: 1, isWrite: false)
      add(&code, .plain(cycles: 1, loads: 1, [byte]), [0x0f, 0xb6, 0x1d], place)  // movzx ebx, byte [place]
    case 4: add(&code, .plain(cycles: 1, loads: 1, [write]), [0x01, 0x05], place)  // add [place], eax
    default:
      // lock add [place], eax
      add(&code, .plain(cycles: 1 + ReferenceModel.lock, loads: 1, [write]), [0xf0, 0x01, 0x05], place)
    }
  }

  // MARK: Executing

  private func execute(on model: inout ReferenceModel) {
    let stack = BareMachine.stackTop - 4
    var next = 0
    var (inner, outer) = (0 as UInt32, Self.rounds)
    while true {
      let placed = steps[next]
      func issue(_ cycles: UInt64 = 1, loads: UInt64 = 0) {
        model.instruction(at: placed.address, length: placed.length, cycles: cycles, loads: loads)
      }
      next += 1
      switch placed.step {
      case .plain(let cycles, let loads, let accesses):
        issue(cycles, loads: loads)
        for access in accesses { model.data(access.linear, bytes: access.bytes, write: access.isWrite) }
      case .invalidate(let place):
        issue(30)
        model.invalidate(place)
      case .push:
        issue()
        model.data(stack, bytes: 4, write: true)
      case .pop:
        issue(loads: 1)
        model.data(stack, bytes: 4, write: false)
      case .setCounter(let value):
        issue()
        if next > 1 { inner = value }
      case .countDown:
        issue()
        inner -= 1
      case .countDownOuter:
        issue()
        outer -= 1
      case .branchBack(let step, let target, let isOuter):
        issue()
        let taken = (isOuter ? outer : inner) != 0
        model.condition(at: placed.address, target: target, taken: taken)
        if taken { next = step }
      case .branchOver(let taken, let target):
        issue()
        model.condition(at: placed.address, target: target, taken: taken)
        if taken { next += 1 }
      case .jump(let step):
        issue()
        model.jump()
        next = step
      case .call(let function, let indirect):
        issue()
        model.data(stack, bytes: 4, write: true)
        let (target, back) = (functionAddress(function), placed.address + placed.length)
        model.call(returningTo: back)
        if indirect { model.indirect(at: placed.address, target: target) } else { model.jump() }
        model.instruction(at: target, length: 1, cycles: 1)
        model.instruction(at: target + 1, length: 1, cycles: 1, loads: 1)
        model.data(stack, bytes: 4, write: false)
        model.returned(to: back)
      case .halt:
        issue()
        return
      }
    }
  }
}
