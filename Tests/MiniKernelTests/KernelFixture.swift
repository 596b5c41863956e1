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
