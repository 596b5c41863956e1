import IA32

/// What an instruction costs by itself, with every access an L1 hit: known when it is decoded, and summed over a block.
///
/// The core is in order and takes one instruction after the other; latencies are the P6's. Sources: Agner Fog's tables and
/// GCC's notes for the Pentium Pro where they give a figure; numbers marked "chosen" have none.
struct InstructionCosts: Codable {
  let level: TimingLevel
  let latencies: Latencies

  /// Cycles, and how many of them are load-use latency beyond one cycle.
  struct Cost {
    var cycles: UInt64
    var l1: UInt64
  }

  func cost(of op: Op) -> Cost {
    guard level == .full else { return Cost(cycles: 1, l1: 0) }
    let row = OpcodeTable.rows[Int(op.row)]
    let l1 = UInt64(loadUses(op, row)) &* (latencies.l1 &- 1)
    return Cost(cycles: execution(op, row.record.cost) &+ l1, l1: l1)
  }

  /// How often the instruction waits for L1: once for each load, and in some classes once more (chosen). Stores go to the
  /// store buffer and cost their cycle.
  private func loadUses(_ op: Op, _ row: OpcodeRow) -> Int {
    let loads = row.memoryOperands(modRMIsMemory: op.hasMemoryOperand).loads + row.record.memory.loads
    switch row.record.cost {
    case .stringElement, .stringInput: return loads + 1
    case .systemRegisterStore: return op.hasMemoryOperand ? loads + 1 : loads
    case .simple, .multiplication, .division, .bitScan, .doubleShift, .rotateThroughCarry, .exchange,
      .exchange8Bytes, .packedDecimal, .decimalMultiplication, .decimalDivision, .allRegisters, .frame,
      .segmentLoad, .farPointerLoad, .farJump, .farCall, .farReturn, .interruptReturn, .softwareInterrupt,
      .stringComparison, .port, .clearInterrupts, .setInterrupts, .identification, .machineRegisterRead,
      .machineRegisterWrite, .controlRegisterWrite, .pageInvalidation, .cacheInvalidation,
      .descriptorTableLoad, .x87, .x87Addition, .x87Multiplication, .x87Division, .x87SquareRoot, .x87Integer,
      .x87DecimalLoad, .x87DecimalStore, .x87ConditionalMove, .x87StatusWord, .x87ControlLoad, .x87Rounding,
      .x87Remainder, .x87Transcendental, .x87Environment, .x87StateStore, .x87StateLoad, .x87Initialization,
      .simd, .simdMultiplication, .simdDifferences, .emptyMMXState, .floatAddition, .floatConversion,
      .singleMultiplication, .doubleMultiplication, .singleDivision, .packedSingleDivision, .doubleDivision,
      .packedDoubleDivision, .singleSquareRoot, .packedSingleSquareRoot, .doubleSquareRoot,
      .packedDoubleSquareRoot, .mxcsrLoad, .mxcsrStore, .fence:
      return loads
    }
  }

  private func execution(_ op: Op, _ cost: CostClass) -> UInt64 {
    let lock = op.prefixes.contains(.lock) ? latencies.lock : 0
    switch cost {
    // A branch not taken is free beyond issue; what a taken one costs is added when it is taken.
    case .simple, .systemRegisterStore: return 1 &+ lock
    case .multiplication: return 4  // Agner Fog
    case .division: return op.width == 1 ? 19 : op.width == 2 ? 23 : 39  // Agner Fog
    case .segmentLoad: return op.form == .registerMemory ? 8 : 5  // Agner Fog
    case .farPointerLoad: return 9  // as a segment load and a load
    case .farCall: return 32  // Agner Fog: micro-ops
    case .farReturn: return 26
    case .farJump: return 21
    case .clearInterrupts: return 9
    case .setInterrupts: return 17
    case .identification: return 48
    case .machineRegisterRead: return 31
    case .machineRegisterWrite: return 48  // chosen, as CPUID
    case .port, .stringInput: return latencies.port
    case .softwareInterrupt: return 1  // the delivery is charged as such
    case .interruptReturn: return 40  // chosen
    case .controlRegisterWrite: return 40  // chosen; the PDPTE reads of CR3 come on top
    case .pageInvalidation: return 30  // chosen
    case .cacheInvalidation: return 2000  // chosen
    case .allRegisters: return 8
    case .frame: return 10 &+ 4 &* UInt64(op.nestingLevel & 31)  // chosen
    case .bitScan, .doubleShift: return 2
    // Agner Fog, rounded.
    case .rotateThroughCarry: return op.form == .registerImmediate && op.immediate == 1 ? 2 : 8
    case .exchange8Bytes: return 10 &+ lock
    // With memory it locks the bus without a prefix, too.
    case .exchange: return op.form == .registerRegister ? 2 : 2 &+ latencies.lock
    case .stringElement, .stringComparison: return 2
    case .packedDecimal: return 2
    case .decimalMultiplication: return 15  // Agner Fog
    case .decimalDivision: return 3
    case .descriptorTableLoad: return 20  // chosen
    // The P6's floating-point unit: Agner Fog's latencies, or micro-ops where he gives none.
    case .x87: return 1
    case .x87Addition: return 3
    case .x87Multiplication: return 5
    case .x87Division: return 38
    case .x87SquareRoot: return 69
    case .x87Integer: return 5
    case .x87DecimalLoad: return 38
    case .x87DecimalStore: return 165
    case .x87ConditionalMove: return 2
    case .x87StatusWord: return 7
    case .x87ControlLoad: return 10
    case .x87Rounding: return 30  // of FRNDINT
    case .x87Remainder: return 37
    case .x87Transcendental: return 100  // chosen, among figures from 25 to 110
    case .x87Environment: return 50  // chosen
    case .x87StateStore: return 141
    case .x87StateLoad: return 72
    case .x87Initialization: return 13
    // MMX and SSE: latencies of the Pentium III; of double precision, those of the Pentium M. Agner Fog, a register's form.
    case .simd: return 1
    case .simdMultiplication, .floatAddition: return 3
    case .floatConversion, .singleMultiplication: return 4
    case .simdDifferences, .doubleMultiplication: return 5
    case .emptyMMXState, .fence: return 6
    case .singleDivision: return 18
    case .packedSingleDivision: return 36
    case .doubleDivision: return 32
    case .packedDoubleDivision: return 62
    case .singleSquareRoot: return 30
    case .packedSingleSquareRoot, .doubleSquareRoot: return 57
    case .packedDoubleSquareRoot: return 114
    case .mxcsrLoad: return 15
    case .mxcsrStore: return 9
    }
  }
}
