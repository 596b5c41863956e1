import IA32

/// What an instruction costs by itself, with every access an L1 hit: known when it is decoded, and summed over a block.
///
/// The core is in order and takes one instruction after the other; latencies are the P6's. Sources: Agner Fog's tables and
/// GCC's notes for the Pentium Pro where they give a figure; numbers marked "chosen" have none.
struct InstructionCosts {
  let level: TimingLevel
  let latencies: Latencies

  /// Cycles, and how many of them are load-use latency beyond one cycle.
  struct Cost {
    var cycles: UInt64
    var l1: UInt64
  }

  func cost(of op: Op) -> Cost {
    guard level == .full else { return Cost(cycles: 1, l1: 0) }
    let loads = UInt64(loadCount(op))
    let l1 = loads &* (latencies.l1 &- 1)
    return Cost(cycles: execution(op) &+ l1, l1: l1)
  }

  /// Loads that the instruction makes; stores go to the store buffer and cost their cycle.
  private func loadCount(_ op: Op) -> Int {
    let reads: Int
    switch op.form {
    case .registerMemory: reads = op.operation == .lea || op.operation == .nop ? 0 : 1
    case .memoryRegister, .memoryImmediate:
      reads = [.mov, .setcc, .movFromSegment, .pop, .invlpg, .nop, .lea].contains(op.operation) ? 0 : 1
    default: reads = 0
    }
    switch op.operation {
    case .pop, .ret, .leave, .popf, .popSegment, .lods, .movs, .scas: return reads + 1
    case .cmps: return 2
    case .popa: return 8
    case .retFar: return 2
    case .iret: return 3
    default: return reads
    }
  }

  private func execution(_ op: Op) -> UInt64 {
    let byWidth: (UInt64, UInt64, UInt64) -> UInt64 = { op.width == 1 ? $0 : op.width == 2 ? $1 : $2 }
    let locked = op.prefixes.contains(.lock) || op.operation == .xchg && op.form == .memoryRegister
    let lock = locked ? latencies.lock : 0
    switch op.operation {
    // A branch not taken is free beyond issue; what a taken one costs is added when it is taken.
    case .imul, .imul2, .mul: return 4 &+ lock  // Agner Fog
    case .div, .idiv: return byWidth(19, 23, 39)  // Agner Fog
    case .movToSegment, .popSegment: return op.form == .registerMemory ? 8 : 5  // Agner Fog
    case .lds, .les, .lfs, .lgs, .lss: return 9  // as a segment load and a load
    case .callFar: return 32  // Agner Fog: micro-ops
    case .retFar: return 26
    case .jmpFar: return 21
    case .cli: return 9
    case .sti: return 17
    case .cpuid: return 48
    case .rdtsc, .rdpmc, .rdmsr: return 31
    case .wrmsr: return 48  // chosen, as CPUID
    case .in, .out, .ins, .outs: return latencies.port
    case .int, .int3, .int1: return 1  // the delivery is charged as such
    case .iret: return 40  // chosen
    case .movToCR: return 40  // chosen; the PDPTE reads of CR3 come on top
    case .invlpg: return 30  // chosen
    case .wbinvd, .invd: return 2000  // chosen
    case .pusha, .popa: return 8
    case .enter: return 10 &+ 4 &* UInt64(op.detail & 31)  // chosen
    case .bsf, .bsr: return 2
    case .rcl, .rcr: return op.form == .registerImmediate && op.immediate == 1 ? 2 : 8  // Agner Fog, rounded
    case .shld, .shrd: return 2
    case .cmpxchg8b: return 10 &+ lock
    case .xchg: return op.form == .registerRegister ? 2 : 2 &+ lock
    case .movs, .stos, .lods, .scas, .cmps: return 2
    case .daa, .das, .aaa, .aas: return 2
    case .aam: return 15  // Agner Fog
    case .aad: return 3
    case .lgdt, .lidt, .lldt, .ltr: return 20  // chosen
    default: return 1 &+ lock
    }
  }
}
