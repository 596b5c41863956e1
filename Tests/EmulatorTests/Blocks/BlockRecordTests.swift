import IA32
import Testing

@testable import Emulator

@Suite("What a block keeps of its code")
struct BlockRecordTests {
  /// A processor at three NOPs and HLT, and the block that it enters there.
  private func makeBlock() throws -> (PagedFixture, UnsafeMutablePointer<Block>) {
    let fixture = try PagedFixture(timing: .functional)
    fixture.poke(UInt64(PagedFixture.code), 0xf490_9090, bytes: 4)
    fixture.cpu.modeChanged()
    return (fixture, try #require(fixture.cpu.enterBlock(FlatTiming.self)))
  }

  @Test("A block keeps the bytes that it was decoded from")
  func guestBytes() throws {
    let (fixture, block) = try makeBlock()
    let bytes = UnsafeBufferPointer(start: block.pointee.guestBytes, count: Int(block.pointee.bytes))
    #expect(Array(bytes) == [0x90, 0x90, 0x90, 0xf4])
    withExtendedLifetime(fixture) {}
  }

  @Test("The record stays as it is where the interpreter is asked to leave a block")
  func recordIsKept() throws {
    let (fixture, block) = try makeBlock()
    let record = fixture.cpu.blocks.record(of: block)
    let handlers = record.map(\.handler)
    #expect(handlers.last == .endOfBlock)
    let second = block.pointee.ops + 1
    fixture.cpu.arm(second)
    #expect(second.pointee.handler == .leave)
    #expect(fixture.cpu.control.pointee.armed == second)
    #expect(record.map(\.handler) == handlers)
    fixture.cpu.disarm()
    #expect(second.pointee.handler == handlers[1])
  }

  @Test("The record of a block that dies stays readable until its place is used again")
  func deadBlock() throws {
    let (fixture, block) = try makeBlock()
    let handlers = fixture.cpu.blocks.record(of: block).map(\.handler)
    fixture.cpu.board.gate.willChange(UInt64(PagedFixture.code), bytes: 1)
    #expect(block.pointee.ops.pointee.handler == .leave)
    #expect(fixture.cpu.blocks.record(of: block).map(\.handler) == handlers)
  }
}

@Suite("Several processors on a board")
struct BoardTests {
  private static let code = PagedFixture.code

  @Test("A store of one processor kills the code that another has decoded")
  func storeByAnother() throws {
    let fixture = try PagedFixture(timing: .functional)
    let first = fixture.cpu
    let second = CPU(number: 1, on: first.board, addressWidth: 36)
    second.plugIn()
    fixture.poke(UInt64(Self.code), 0xf490_9090, bytes: 4)
    // The second's filter holds the page with the right to write, until the first decodes code there.
    try second.mmu.store(Self.code + 0x100, UInt8(1), user: false)
    #expect(second.mmu.quick(Self.code, bytes: 1, .store) != nil)
    first.modeChanged()
    let block = try #require(first.enterBlock(FlatTiming.self)).pointee
    #expect(first.board.gate.marks(at: UInt64(Self.code)).contains(.code))
    #expect(second.mmu.quick(Self.code, bytes: 1, .store) == nil)
    try second.mmu.store(Self.code + 0x100, UInt8(1), user: false)
    #expect(first.blocks.find(key: block.key, physical: block.physical) != nil)
    try second.mmu.store(Self.code + 1, UInt8(0x40), user: false)
    #expect(first.blocks.find(key: block.key, physical: block.physical) == nil)
    #expect(!first.board.gate.marks(at: UInt64(Self.code)).contains(.code))
  }

  @Test("Code of one processor keeps a frame closed when another's is gone")
  func codeOfTwo() throws {
    let fixture = try PagedFixture(timing: .functional)
    let first = fixture.cpu
    let second = CPU(number: 1, on: first.board, addressWidth: 36)
    second.plugIn()
    fixture.poke(UInt64(Self.code), 0xf490_9090, bytes: 4)
    for cpu in [first, second] {
      cpu.state.pointee = first.state.pointee
      cpu.modeChanged()
    }
    // With paging off, which is how the second comes out of RESET#, addresses are physical.
    _ = try #require(first.enterBlock(FlatTiming.self))
    _ = try #require(second.enterBlock(FlatTiming.self))
    first.blocks.removeAll()
    #expect(first.board.gate.marks(at: UInt64(Self.code)).contains(.code))
    second.blocks.removeAll()
    #expect(!first.board.gate.marks(at: UInt64(Self.code)).contains(.code))
  }

  @Test("A moment names its processor")
  func moments() throws {
    let fixture = try PagedFixture(timing: .functional)
    let second = CPU(number: 1, on: fixture.cpu.board, addressWidth: 36)
    second.plugIn()
    #expect(fixture.cpu.moment.processor == 0)
    #expect(second.moment.processor == 1)
    // The first one executes until the machine lets another go on.
    #expect(fixture.cpu.observation.moment().processor == 0)
  }
}
