import FloatingPoint
import IA32

/// Instructions on ST(0), or on ST(0) and ST(1), without an operand in memory. SDM vol. 1, 8.3.3, 8.3.6 to 8.3.10.
extension CPU {
  func x87Function(_ operation: X87Operation) {
    switch operation {
    case .fchs, .fabs, .fsqrt, .frndint, .f2xm1, .fsin, .fcos: replaceTop(operation)
    case .fscale, .fprem, .fprem1: replaceTopByBoth(operation)
    case .fyl2x, .fyl2xp1, .fpatan: replaceSecond(operation)
    default: pushSecondResult(operation)
    }
  }

  // MARK: ST(0) alone

  private func replaceTop(_ operation: X87Operation) {
    if state.pointee.x87.isEmpty(0) {
      if state.pointee.x87.reportStackFault(overflow: false) { state.pointee.x87[0] = .indefinite }
      if operation == .fsin || operation == .fcos { state.pointee.x87.setConditions([], of: .c2) }
      return
    }
    let (value, control, flags) = (
      state.pointee.x87[0], state.pointee.x87.control, state.pointee.x87.exceptions
    )
    switch operation {
    case .fchs:
      state.pointee.x87.report([])
      state.pointee.x87[0] = value.negated
    case .fabs:
      state.pointee.x87.report([])
      state.pointee.x87[0] = value.magnitude
    case .fsqrt:
      var result = value
      state.pointee.x87.report(X87.squareRoot(&result, control, flags: flags))
      state.pointee.x87[0] = result
    case .frndint:
      var result = value
      state.pointee.x87.report(X87.roundToInteger(&result, control, flags: flags))
      state.pointee.x87[0] = result
    case .f2xm1: finish(X87Transcendental.exponential(value, control))
    case .fsin: finish(X87Transcendental.sine(value, control), conditions: .c2)
    default: finish(X87Transcendental.cosine(value, control), conditions: .c2)
    }
  }

  /// Writes a result to ST(0) and tells what it found; `conditions` are the codes beside C1 that it defines.
  private func finish(_ outcome: X87Outcome<ExtendedFloat>, conditions: X87Flags = []) {
    state.pointee.x87.report(outcome.flags)
    state.pointee.x87.setConditions(outcome.flags, of: conditions)
    if outcome.isWritten(under: state.pointee.x87.control) { state.pointee.x87[0] = outcome.value }
  }

  // MARK: ST(0) and ST(1)

  private func replaceTopByBoth(_ operation: X87Operation) {
    if state.pointee.x87.isEmpty(0) || state.pointee.x87.isEmpty(1) {
      if state.pointee.x87.reportStackFault(overflow: false) { state.pointee.x87[0] = .indefinite }
      if operation != .fscale { state.pointee.x87.setConditions([], of: .c2) }
      return
    }
    let (a, b, control) = (state.pointee.x87[0], state.pointee.x87[1], state.pointee.x87.control)
    if operation == .fscale { return finish(X87Portable.scale(a, by: b, control)) }
    let outcome = X87Portable.remainder(a, by: b, roundsQuotient: operation == .fprem1, control)
    // Without a quotient only C2 is defined.
    let hasQuotient = outcome.isWritten(under: control) && outcome.value.floatClass != .quietNaN
    finish(outcome, conditions: hasQuotient ? .conditions : .c2)
  }

  private func replaceSecond(_ operation: X87Operation) {
    if state.pointee.x87.isEmpty(0) || state.pointee.x87.isEmpty(1) {
      if state.pointee.x87.reportStackFault(overflow: false) {
        state.pointee.x87.pop()
        state.pointee.x87[0] = .indefinite
      }
      return
    }
    let (x, y, control) = (state.pointee.x87[0], state.pointee.x87[1], state.pointee.x87.control)
    let outcome =
      switch operation {
      case .fyl2x: X87Transcendental.logarithm(y: y, x: x, control)
      case .fyl2xp1: X87Transcendental.logarithmOfSumWithOne(y: y, x: x, control)
      default: X87Transcendental.arctangent(y: y, x: x, control)
      }
    state.pointee.x87.report(outcome.flags)
    if outcome.isWritten(under: control) {
      state.pointee.x87.pop()
      state.pointee.x87[0] = outcome.value
    }
  }

  // MARK: Two results

  /// FXTRACT, FPTAN and FSINCOS need a free register above.
  private func pushSecondResult(_ operation: X87Operation) {
    let isEmpty = state.pointee.x87.isEmpty(0)
    if isEmpty || !state.pointee.x87.isEmpty(7) {
      // Only an argument out of range sets C2. SDM vol. 2A, FPTAN and FSINCOS.
      if operation != .fxtract { state.pointee.x87.setConditions([], of: .c2) }
      if state.pointee.x87.reportStackFault(overflow: !isEmpty) {
        state.pointee.x87[0] = .indefinite
        state.pointee.x87.push(.indefinite)
      }
      return
    }
    let (value, control) = (state.pointee.x87[0], state.pointee.x87.control)
    let flags: X87Flags
    let (first, second): (ExtendedFloat, ExtendedFloat)
    switch operation {
    case .fxtract:
      let outcome = X87Portable.extract(value, control)
      (first, second, flags) = (outcome.value.exponent, outcome.value.significand, outcome.flags)
    case .fptan:
      let outcome = X87Transcendental.tangent(value, control)
      // What is no number is pushed as well as left.
      let isNumber = outcome.value.floatClass != .quietNaN
      (first, second, flags) = (outcome.value, isNumber ? .one : outcome.value, outcome.flags)
    default:
      let outcome = X87Transcendental.sineAndCosine(value, control)
      (first, second, flags) = (outcome.value.sine, outcome.value.cosine, outcome.flags)
    }
    state.pointee.x87.report(flags)
    if operation != .fxtract { state.pointee.x87.setConditions(flags, of: .c2) }
    guard control.unmasked(flags).isDisjoint(with: .beforeResult), !flags.contains(.c2) else { return }
    state.pointee.x87[0] = first
    state.pointee.x87.push(second)
  }
}
