import HostCode
import TestSupport
import Testing

@testable import FloatingPoint

/// The portable SSE against the host's, unmasked exceptions included.
@Suite(
  "SSE against the host", .serialized, .enabled(if: host_code_is_available(), "the host runs no code of ours")
)
struct SSEHostTests {
  static let cases = 20_000

  /// What the host makes of an instruction on XMM0 and XMM1.
  private struct Host {
    var state = HostSSEState()
    var hasTrapped = false

    init(_ destination: XMMValue, _ source: XMMValue, _ control: SSEControl, eax: UInt32 = 0, _ code: [UInt8])
    {
      state.xmm = (destination.low, destination.high, source.low, source.high)
      state.mxcsr = control.rawValue
      state.eax = eax
      hasTrapped = host_code_sse(code, code.count, &state)
    }

    var value: XMMValue { XMMValue(low: state.xmm.0, high: state.xmm.1) }
    var flags: X87Flags { SSEControl(rawValue: state.mxcsr).flags }
  }

  /// The bytes of an instruction of the table 0F xx in a form, with ModRM C1h: XMM0, XMM1 (or EAX, XMM1).
  private func code(_ form: SSEForm, _ opcode: UInt8, _ immediate: [UInt8] = []) -> [UInt8] {
    let prefixes: [[UInt8]] = [[], [0x66], [0xf3], [0xf2]]
    return prefixes[Int(form.rawValue)] + [0x0f, opcode, 0xc1] + immediate
  }

  private func agrees(_ result: SSEResult, _ host: Host, _ control: SSEControl, _ destination: XMMValue)
    -> Bool
  {
    let traps = !control.unmasked(result.flags).isEmpty
    return traps == host.hasTrapped && result.flags == host.flags && (traps || result.value == host.value)
  }

  @Test("arithmetic", arguments: SSEArithmetic.allCases)
  func arithmetic(_ operation: SSEArithmetic) {
    let seed = 0x5500 + UInt64(operation.rawValue)
    var generator = SeededGenerator(seed: seed)
    var failures = 0
    for number in 0..<Self.cases where failures < 5 {
      let form = SSEForm.allCases[number % 4]
      let control = generator.mxcsr()
      let (a, b) = (generator.xmm(form), generator.xmm(form))
      let host = Host(a, b, control, code(form, 0x50 | operation.rawValue))
      let result = SSEPortable.arithmetic(operation, form, a, b, control)
      if !agrees(result, host, control, a) {
        failures += 1
        Issue.record(
          "seed \(seed) case \(number): \(operation) \(form) \(a) \(b) mxcsr \(String(control.rawValue, radix: 16)): \(result), host \(host.value) \(host.flags) \(host.hasTrapped)"
        )
      }
      let had = X87Flags(
        rawValue: UInt16(truncatingIfNeeded: generator.next()) & 0x3f & control.masks.rawValue)
      let fast = SSE.arithmetic(
        operation, form, a, b, SSEControl(rawValue: control.rawValue | UInt32(had.rawValue)))
      if fast.flags.union(had) != result.flags.union(had) || (!host.hasTrapped && fast.value != result.value)
      {
        failures += 1
        Issue.record(
          "seed \(seed) case \(number): fast \(operation) \(form) \(a) \(b) gives \(fast), portable \(result)"
        )
      }
    }
  }

  @Test("comparisons")
  func comparisons() {
    let seed: UInt64 = 0x5520
    var generator = SeededGenerator(seed: seed)
    var failures = 0
    for number in 0..<Self.cases where failures < 5 {
      let form = SSEForm.allCases[number % 4]
      let control = generator.mxcsr()
      let (a, b) = (generator.xmm(form), generator.xmm(form))
      let predicate = UInt8(generator.next() & 7)
      let host = Host(a, b, control, code(form, 0xc2, [predicate]))
      let result = SSEPortable.compare(predicate: predicate, form, a, b, control)
      if !agrees(result, host, control, a) {
        failures += 1
        Issue.record(
          "seed \(seed) case \(number): compare \(predicate) \(form) \(a) \(b): \(result), host \(host.value) \(host.flags)"
        )
      }
      // No prefix is COMISS, 66h COMISD.
      let scalar: SSEForm = number % 2 == 0 ? .scalarSingle : .scalarDouble
      for (opcode, isQuiet): (UInt8, Bool) in [(0x2e, true), (0x2f, false)] {
        let host = Host(a, b, control, code(number % 2 == 0 ? .packedSingle : .packedDouble, opcode))
        let (eflags, flags) = SSEPortable.compareToFlags(scalar, a, b, isQuiet: isQuiet, control)
        let traps = !control.unmasked(flags).isEmpty
        if traps != host.hasTrapped || flags != host.flags || (!traps && eflags != host.state.eflags) {
          failures += 1
          Issue.record(
            "seed \(seed) case \(number): comis \(scalar) \(a) \(b): \(eflags) \(flags), host \(host.state.eflags) \(host.flags)"
          )
        }
      }
    }
  }

  @Test("conversions")
  func conversions() {
    let seed: UInt64 = 0x5530
    var generator = SeededGenerator(seed: seed)
    var failures = 0
    for number in 0..<Self.cases where failures < 5 {
      let control = generator.mxcsr()
      let (a, b) = (generator.xmm(.packedSingle), generator.convertible(number % 2 == 0))
      let integer = Int32(truncatingIfNeeded: generator.next() >> (generator.next() % 64))
      func check(_ what: String, _ host: Host, _ value: UInt64, _ hostValue: UInt64, _ flags: X87Flags) {
        let traps = !control.unmasked(flags).isEmpty
        let told = SSEPortable.settled(flags, control)
        if traps != host.hasTrapped || told != host.flags || (!traps && value != hostValue) {
          failures += 1
          Issue.record(
            "seed \(seed) case \(number): \(what) \(b) \(integer) mxcsr \(String(control.rawValue, radix: 16)): \(String(value, radix: 16)) \(told), host \(String(hostValue, radix: 16)) \(host.flags)"
          )
        }
      }
      // CVTSI2SS and CVTSI2SD take EAX: ModRM C0h.
      var host = Host(a, b, control, eax: UInt32(bitPattern: integer), [0xf3, 0x0f, 0x2a, 0xc0])
      let fromInteger = SSEPortable.single(from: integer, control)
      check("cvtsi2ss", host, UInt64(fromInteger.value), host.value.low & 0xffff_ffff, fromInteger.flags)
      host = Host(a, b, control, eax: UInt32(bitPattern: integer), [0xf2, 0x0f, 0x2a, 0xc0])
      check("cvtsi2sd", host, SSEPortable.double(from: integer), host.value.low, [])
      host = Host(a, b, control, code(.scalarSingle, 0x5a))
      let wider = SSEPortable.double(fromSingle: b[single: 0], control)
      check("cvtss2sd", host, wider.value, host.value.low, wider.flags)
      host = Host(a, b, control, code(.scalarDouble, 0x5a))
      let narrower = SSEPortable.single(fromDouble: b.low, control)
      check("cvtsd2ss", host, UInt64(narrower.value), host.value.low & 0xffff_ffff, narrower.flags)
      for (opcode, truncates): (UInt8, Bool) in [(0x2c, true), (0x2d, false)] {
        host = Host(a, b, control, code(.scalarSingle, opcode))
        let single = SSEPortable.integer(fromSingle: b[single: 0], truncates: truncates, control)
        check(
          "cvtss2si", host, UInt64(UInt32(bitPattern: single.value)), UInt64(host.state.eax), single.flags)
        host = Host(a, b, control, code(.scalarDouble, opcode))
        let double = SSEPortable.integer(fromDouble: b.low, truncates: truncates, control)
        check(
          "cvtsd2si", host, UInt64(UInt32(bitPattern: double.value)), UInt64(host.state.eax), double.flags)
      }
    }
  }

  @Test("approximations are within the manual's error, their special cases as the host's")
  func approximations() {
    let seed: UInt64 = 0x5540
    var generator = SeededGenerator(seed: seed)
    for number in 0..<Self.cases {
      let bits = generator.single()
      let source = XMMValue(low: UInt64(bits), high: 0)
      for (opcode, result): (UInt8, UInt32) in [
        (0x53, SSEPortable.reciprocal(bits)), (0x52, SSEPortable.reciprocalRoot(bits)),
      ] {
        let host = Host(.zero, source, .initial, code(.scalarSingle, opcode)).value[single: 0]
        let (ours, theirs) = (Float(bitPattern: result), Float(bitPattern: host))
        let exact =
          opcode == 0x53
          ? 1 / Double(Float(bitPattern: bits)) : 1 / Double(Float(bitPattern: bits)).squareRoot()
        if bits.floatClass == .normal && exact.magnitude < 0x1p-120 { continue }
        let isRight =
          ours.isNormal && theirs.isNormal
          ? abs(Double(ours) - exact) <= 1.5 * 0x1p-12 * exact.magnitude : result == host
        if !isRight {
          Issue.record(
            "seed \(seed) case \(number): \(opcode) of \(String(bits, radix: 16)) is \(ours), host \(theirs)")
          return
        }
      }
    }
  }
}

extension SeededGenerator {
  mutating func mxcsr() -> SSEControl {
    let masks: UInt64 = chance(2) ? 0x3f : next() & 0x3f
    let modes = chance(2) ? next() & 0xe040 : next() & 0x6000
    return SSEControl(rawValue: UInt32(masks << 7 | modes))
  }

  mutating func nearSingle() -> UInt32 {
    let exponent = UInt32(
      truncatingIfNeeded: chance(3) ? next() % 60 : chance(2) ? 195 + next() % 60 : 110 + next() % 40)
    return UInt32(truncatingIfNeeded: next() & (next() | 0xfff)) & 0x807f_ffff | exponent << 23
  }

  mutating func nearDouble() -> UInt64 {
    let exponent = chance(3) ? next() % 120 : chance(2) ? 1930 + next() % 117 : 990 + next() % 80
    return next() & (next() | 0xfff_ffff) & 0x800f_ffff_ffff_ffff | exponent << 52
  }

  mutating func xmm(_ form: SSEForm) -> XMMValue {
    var value = XMMValue.zero
    switch form {
    case .packedSingle, .scalarSingle:
      for index in 0..<4 { value[single: index] = chance(3) ? single() : nearSingle() }
    case .packedDouble, .scalarDouble:
      for index in 0..<2 { value[double: index] = chance(3) ? double() : nearDouble() }
    }
    return value
  }

  /// A source of conversions: singles, or doubles around what singles and integers hold.
  mutating func convertible(_ singles: Bool) -> XMMValue {
    if singles {
      var value = xmm(.packedSingle)
      if chance(2) { value[single: 0] = value[single: 0] & 0x807f_ffff | UInt32(120 + next() % 44) << 23 }
      return value
    }
    var value = xmm(.packedDouble)
    if chance(2) {
      let exponent = chance(2) ? 1020 + next() % 40 : chance(2) ? 870 + next() % 40 : 1140 + next() % 20
      value.low = value.low & 0x800f_ffff_ffff_ffff | exponent << 52
    }
    return value
  }
}
