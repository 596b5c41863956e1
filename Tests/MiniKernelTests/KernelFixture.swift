import Testing

@testable import Emulator
@testable import MiniKernel

typealias HostKernel = Kernel<EmulatedHardware>

/// A machine of `bytes` bytes with a kernel whose memory management is up.
func startedKernel(_ bytes: UInt64, features: CPUFeatures = [.globalPages, .noExecute]) throws -> HostKernel {
  let hardware = try EmulatedHardware(bytes: bytes, features: features)
  let kernel = Kernel(hardware)
  for range in hardware.memory.layout.ramRanges {
    kernel.addMemory(base: range.lowerBound, length: range.upperBound - range.lowerBound)
  }
  try #require(kernel.startMemory())
  return kernel
}

let mebibyte: UInt64 = 1 << 20
let gibibyte: UInt64 = 1 << 30

/// SplitMix64: the tests' random numbers, the same on every run. The seed belongs into every failure's message.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func below(_ bound: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: next() % UInt64(bound)) }
}

extension Kernel where HW == EmulatedHardware {
  /// What the console showed so far.
  var consoleText: String { String(decoding: hardware.output, as: UTF8.self) }

  /// Runs `body`, and says whether it made the kernel report something.
  func reports(_ body: () throws -> Void) rethrows -> Bool {
    let before = warnings
    try body()
    return warnings > before
  }

  /// All areas, in the list's order.
  var areas: [VMArea<EmulatedHardware>] {
    var areas: [VMArea<EmulatedHardware>] = []
    var next = vmlist
    while !next.isNull {
      let area = VMArea(hardware, at: next)
      areas.append(area)
      next = area.next
    }
    return areas
  }
}
