/// What an instruction does: its family, and the behaviour within it. One case per behaviour, not per encoding.
///
/// The names are the manual's mnemonics in lower camel case. Where the mnemonic only tells sizes apart (CBW and CWDE, PUSHF
/// and PUSHFD) there is one case, and the operand size says which; where one mnemonic names several behaviours (near and far
/// CALL, the five kinds of MOV) there are several. SDM vol. 2, chapters 3 and 4.
///
/// What is true of an operation in all its encodings is its ``record``, which stands beside the family's cases; what an
/// encoding adds is in its ``OpcodeRow``. The emulator has one file of semantics for each family.
@frozen
public enum Operation: Hashable, Sendable {
  case arithmetic(ArithmeticOperation)
  case decimal(DecimalOperation)
  case shift(ShiftOperation)
  case bit(BitOperation)
  case flag(FlagOperation)
  case data(DataOperation)
  case stack(StackOperation)
  case segment(SegmentOperation)
  case string(StringOperation)
  case control(ControlOperation)
  case port(PortOperation)
  case descriptor(DescriptorOperation)
  case system(SystemOperation)
  case x87(X87Operation)
  case simdMove(SIMDMoveOperation)
  case packedInteger(PackedIntegerOperation, SIMDRegisters)
  case sse(SSEOperation, FloatForm)
  case simdConversion(SIMDConversionOperation)
  case simdControl(SIMDControlOperation)

  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    case .arithmetic(let operation): operation.record
    case .decimal(let operation): operation.record
    case .shift(let operation): operation.record
    case .bit(let operation): operation.record
    case .flag(let operation): operation.record
    case .data(let operation): operation.record
    case .stack(let operation): operation.record
    case .segment(let operation): operation.record
    case .string(let operation): operation.record
    case .control(let operation): operation.record
    case .port(let operation): operation.record
    case .descriptor(let operation): operation.record
    case .system(let operation): operation.record
    case .x87(let operation): operation.record
    case .simdMove(let operation): operation.record
    case .packedInteger(let operation, let registers): operation.record(registers)
    case .sse(let operation, let form): operation.record(form)
    case .simdConversion(let operation): operation.record
    case .simdControl(let operation): operation.record
    }
  }
}

extension Operation: CaseIterable {
  /// Every operation, family by family.
  public static var allCases: [Operation] {
    var all: [Operation] = []
    all += ArithmeticOperation.allCases.map { .arithmetic($0) }
    all += DecimalOperation.allCases.map { .decimal($0) }
    all += ShiftOperation.allCases.map { .shift($0) }
    all += BitOperation.allCases.map { .bit($0) }
    all += FlagOperation.allCases.map { .flag($0) }
    all += DataOperation.allCases.map { .data($0) }
    all += StackOperation.allCases.map { .stack($0) }
    all += SegmentOperation.allCases.map { .segment($0) }
    all += StringOperation.allCases.map { .string($0) }
    all += ControlOperation.allCases.map { .control($0) }
    all += PortOperation.allCases.map { .port($0) }
    all += DescriptorOperation.allCases.map { .descriptor($0) }
    all += SystemOperation.allCases.map { .system($0) }
    all += X87Operation.allCases.map { .x87($0) }
    all += SIMDMoveOperation.allCases.map { .simdMove($0) }
    for registers in SIMDRegisters.allCases {
      all += PackedIntegerOperation.allCases.filter { $0.exists(registers) }.map {
        .packedInteger($0, registers)
      }
    }
    for form in FloatForm.allCases {
      all += SSEOperation.allCases.filter { $0.exists(form) }.map { .sse($0, form) }
    }
    all += SIMDConversionOperation.allCases.map { .simdConversion($0) }
    all += SIMDControlOperation.allCases.map { .simdControl($0) }
    return all
  }
}
