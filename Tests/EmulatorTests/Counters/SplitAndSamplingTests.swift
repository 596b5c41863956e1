import IA32
import Testing

@testable import Emulator

private typealias F = CounterFixture

@Suite("Attribution of cycles")
struct SplitAndSamplingTests {
  /// A guest that goes to ring 3 and back `times` times, with loads, stores, branches and string moves in both.
  private func modeSwitches(_ f: CounterFixture, times: UInt32) -> CounterCode {
    var user = CounterCode()
    user.emit(0xb9, 40, 0, 0, 0)  // mov ecx, 40
    user.emit(0xbe, 0, 0, 0x30, 0, 0xbf, 0, 0x40, 0x31, 0)  // mov esi, 300000h; mov edi, 314000h
    user.emit(0xf3, 0xa5)  // rep movsd
    user.emit(0xb9, 5, 0, 0, 0, 0x01, 0x0f, 0xe2, 0xfc)  // mov ecx, 5; add [edi], ecx; loop
    user.emit(0xcd, 0x80)
    f.poke(F.userCode, bytes: user.bytes)
    f.poke(
      F.handler,
      bytes: [
        0x83, 0xc4, 20,  // add esp, 20: forgets where it came from
        0xe4, 0x61,  // in al, 61h
        0x4d, 0x74, 7,  // dec ebp; jz, to the end
        0xb8, 0, 0x50, 0, 0, 0xff, 0xe0,  // mov eax, code; jmp eax
        0xfa, 0xf4,  // cli; hlt
      ])
    var code = CounterCode()
    code.enterUserMode(at: F.userCode)
    f.cpu[.ebp] = times
    return code
  }

  @Test("User and kernel add up, and so does the breakdown, to the cycle", arguments: TimingLevel.allCases)
  func addsUp(_ timing: TimingLevel) throws {
    let f = try F(timing)
    try f.turnPagingOn()
    f.run(modeSwitches(f, times: 30))
    let counters = f.machine.counters
    var sum = counters.user
    sum += counters.kernel
    var whole = EventCounts()
    whole.instructions = counters.instructions
    whole.cycles = counters.cycles
    whole.breakdown = counters.breakdown
    whole.paging = counters.paging
    whole.caches = counters.caches
    #expect(sum == whole)
    for part in [counters.user, counters.kernel] {
      #expect(part.baseCycles >= part.instructions && part.baseCycles <= part.cycles)
      #expect(part.baseCycles + part.breakdown.sum == part.cycles)
    }
    // 3 moves, 40 iterations, 5 times 2 instructions with a MOV before, and the IRET that leads there.
    #expect(counters.user.instructions == 30 * (3 + 40 + 1 + 10 + 1))
    // An iteration is two accesses, a read-modify-write one; INT reads the tables before it leaves ring 3.
    #expect(counters.user.dataReferences > 30 * (80 + 5) && counters.user.dataReferences < 30 * (80 + 5 + 20))
    let ports = timing == .full ? 30 * f.cpu.caches.latencies.port : 0
    #expect(counters.kernel.breakdown.io == ports + counters.bus.waitStates)
    #expect(counters.user.breakdown.io == 0)
  }

  @Test("What is not base is charged where it belongs: a run whose every cycle is known") func everyCycle()
    throws
  {
    let f = try F(.full)
    var code = CounterCode()
    code.emit(0xe4, 0x61)  // in al, 61h
    code.emit(0xa1, 0, 0x80, 0, 0)  // mov eax, [8000h]: from DRAM
    code.emit(0xa1, 0, 0x80, 0, 0)  // and from L1
    code.emit(0xf7, 0xe1)  // mul ecx
    code.halt()
    let before = f.machine.counters.breakdown
    let start = f.machine.cycle
    let base = f.machine.counters.baseCycles
    f.run(code)
    let counters = f.machine.counters
    let costs = f.cpu.caches.latencies
    #expect(counters.breakdown.io - before.io == costs.port)
    #expect(counters.breakdown.l1 - before.l1 == 2 * (costs.l1 - 1))
    #expect(counters.breakdown.dram - before.dram == costs.dram - costs.l1)
    #expect(counters.breakdown.fetch - before.fetch == costs.dram)
    // Two loads and HLT, a cycle each; MUL 4; CLI 9.
    #expect(counters.baseCycles - base == 2 + 1 + 4 + 9)
    let known = 16 + costs.port + 2 * (costs.l1 - 1) + (costs.dram - costs.l1) + costs.dram
    #expect(f.machine.cycle - start == known)
  }

  @Test("Sampling changes nothing, and its samples carry the whole run", arguments: TimingLevel.allCases)
  func sampling(_ timing: TimingLevel) throws {
    let plain = try F(timing)
    try plain.turnPagingOn()
    plain.run(modeSwitches(plain, times: 200))
    for period: UInt64 in [2, 7, 100, 1013] {
      let sampled = try F(timing)
      try sampled.turnPagingOn()
      let start = sampled.machine.counters
      var samples: [ProfileSample] = []
      sampled.machine.beginSampling(every: period) { samples.append($0) }
      sampled.run(modeSwitches(sampled, times: 200))
      sampled.machine.endSampling()
      #expect(sampled.machine.cycle == plain.machine.cycle)
      #expect(sampled.machine.registers == plain.machine.registers)
      let counters = sampled.machine.counters
      #expect(counters.user == plain.machine.counters.user, "period \(period)")
      #expect(counters.kernel == plain.machine.counters.kernel, "period \(period)")
      #expect(samples.count > 3)
      #expect(samples.reduce(0) { $0 + $1.cycles + $1.idleCycles } == counters.cycles - start.cycles)
      #expect(
        samples.reduce(0) { $0 + $1.walkCycles } == counters.breakdown.walk - start.breakdown.walk)
      #expect(samples.contains(where: \.isUser) && samples.contains { !$0.isUser })
    }
  }

  @Test("Callers come from the frames, and from ESP where there is none") func callers() throws {
    let f = try F(.functional)
    // main: mov ebp, 0; call outer; cli; hlt. outer at 5100h: a frame, call inner, leave, ret. inner at 5200h: a frame.
    f.poke(0x5100, bytes: [0x55, 0x89, 0xe5, 0xe8, 0xf8, 0, 0, 0, 0xc9, 0xc3])
    f.poke(0x5200, bytes: [0x55, 0x89, 0xe5, 0x90, 0xc9, 0xc3])
    var code = CounterCode()
    code.move(.ebp, 0)
    code.emit(0xe8, 0xf6, 0, 0, 0)
    code.halt()
    var callers: [UInt32: [UInt32]] = [:]
    f.machine.beginSampling(every: 2) { callers[$0.linear] = $0.callers }
    // Every instruction gets its turn.
    for _ in 0..<40 { f.run(code) }
    for inner in [0x5200, 0x5201, 0x5203, 0x5204, 0x5205] as [UInt32] {
      #expect(callers[inner] == [0x5108, 0x500a], "at \(hexadecimal(UInt64(inner), digits: 8))")
    }
    for outer in [0x5100, 0x5101, 0x5103, 0x5108, 0x5109] as [UInt32] {
      #expect(callers[outer] == [0x500a], "at \(hexadecimal(UInt64(outer), digits: 8))")
    }
    f.machine.endSampling()
  }

  @Test("HLT's cycles are apart, and a sampled guest that nothing can wake stops all the same") func idle()
    throws
  {
    let plain = try F(.full)
    plain.poke(F.code, bytes: [0xfb, 0xf4])  // sti; hlt
    let stop = plain.machine.run(untilCycle: 5000)
    let f = try F(.full)
    var idle: UInt64 = 0
    f.machine.beginSampling(every: 10) { idle += $0.idleCycles }
    f.poke(F.code, bytes: [0xfb, 0xf4])
    #expect(f.machine.run(untilCycle: 5000) == stop)
    f.machine.endSampling()
    #expect(f.machine.cycle == plain.machine.cycle)
    #expect(idle == f.machine.counters.idleCycles)
  }
}
