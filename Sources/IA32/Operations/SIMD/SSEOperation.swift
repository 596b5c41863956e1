/// The floating-point instructions of SSE and SSE2 but for moves and conversions; a ``FloatForm`` says which elements they
/// work on. SDM vol. 1, 10.4.1 and 11.4.1.
@frozen
public enum SSEOperation: UInt8, CaseIterable, Hashable, Sendable {
  case add, mul, sub, div, min, max, sqrt
  case rcp, rsqrt
  case cmp, comis, ucomis
  case and, andn, or, xor
  case shuf, unpckl, unpckh
}

extension SSEOperation {
  /// Whether there is an instruction for these elements.
  public func exists(_ form: FloatForm) -> Bool {
    switch self {
    case .add, .mul, .sub, .div, .min, .max, .sqrt, .cmp: true
    case .rcp, .rsqrt: form.isSingle
    case .comis, .ucomis: !form.isPacked
    case .and, .andn, .or, .xor, .shuf, .unpckl, .unpckh: form.isPacked
    }
  }

  /// What is true of the operation in all its encodings.
  public func record(_ form: FloatForm) -> OperationRecord {
    let needs = form.needs
    switch self {
    case .add, .sub, .min, .max, .cmp:
      return .simd(.modify, raises: .sseArithmetic, needs: needs, cost: .floatAddition)
    case .mul:
      return .simd(
        .modify, raises: .sseArithmetic, needs: needs,
        cost: form.isSingle ? .singleMultiplication : .doubleMultiplication)
    case .div:
      return .simd(.modify, raises: .sseArithmetic, needs: needs, cost: Self.division(form))
    case .sqrt:
      // A scalar form keeps the elements that it doesn't compute.
      return .simd(
        form.isPacked ? .write : .modify, raises: .sseArithmetic, needs: needs, cost: Self.squareRoot(form))
    case .rcp, .rsqrt: return .simd(form.isPacked ? .write : .modify, raises: .sse, needs: needs)
    case .comis, .ucomis:
      return .simd(.read, .arithmetic, raises: .sseArithmetic, needs: needs)
    case .and, .andn, .or, .xor, .shuf, .unpckl, .unpckh:
      return .simd(.modify, raises: .sse, needs: needs)
    }
  }

  private static func division(_ form: FloatForm) -> CostClass {
    switch form {
    case .scalarSingle: .singleDivision
    case .packedSingle: .packedSingleDivision
    case .scalarDouble: .doubleDivision
    case .packedDouble: .packedDoubleDivision
    }
  }

  private static func squareRoot(_ form: FloatForm) -> CostClass {
    switch form {
    case .scalarSingle: .singleSquareRoot
    case .packedSingle: .packedSingleSquareRoot
    case .scalarDouble: .doubleSquareRoot
    case .packedDouble: .packedDoubleSquareRoot
    }
  }
}
