import Foundation
import GuestImages
import IA32

@testable import Emulator

/// One of the guest images, with what it is booted with.
struct TimedGuest: CustomStringConvertible, Sendable {
  var image: String
  var memoryMiB: UInt64 = 64
  var commandLine = ""
  /// What its processor has beyond every machine's.
  var extensions: CPUFeatures = []

  var description: String { "\(image) \(memoryMiB)M \(commandLine)" }

  /// Where `make images` puts them.
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/images")

  /// Guests of some ten million instructions at most.
  static let all: [TimedGuest] =
    [
      TimedGuest(image: "hello"), TimedGuest(image: "paging-tour"), TimedGuest(image: "system-tour"),
      TimedGuest(image: "stale"), TimedGuest(image: "fpu-tour"),
      TimedGuest(image: "minikernel", memoryMiB: 16), TimedGuest(image: "minikernel", memoryMiB: 6 << 10),
      TimedGuest(image: "vmalloc-tour"), TimedGuest(image: "tlb-probe"),
    ]
    + [
      "integer", "calls", "sort", "crc32", "sieve", "words", "dispatch", "wide", "chase", "stream", "string",
      "invlpg", "mandelbrot",
    ].map { TimedGuest(image: "bench", commandLine: "only=\($0) scale=1") }
    + [
      TimedGuest(
        image: "bench", commandLine: "only=n-body scale=1", extensions: [.mmx, .fxsave, .sse, .sse2])
    ]

  static let small = all.filter { ["hello", "paging-tour", "system-tour", "stale"].contains($0.image) }

  func machine(_ timing: TimingLevel, fast: Bool = true) throws -> Machine {
    let image = try GuestImage(reading: Self.folder.appending(path: image + ".elf").path)
    let memory = try MemoryMap(bytes: memoryMiB << 20)
    let plan = try BootPlan(image: image, commandLine: commandLine, modules: [], memory: memory.bootRegions)
    var configuration = MachineConfiguration(
      memoryBytes: memory.bytes, rom: BootROM.image(handover: plan.handover), timing: timing)
    configuration.usesFastPaths = fast
    configuration.identity.extensions = extensions
    let machine = try Machine(configuration)
    try plan.load(into: machine.memory)
    return machine
  }

  /// Runs to the guest's own end. Far beyond any of these, a limit stops one that has got lost.
  static func finish(_ machine: Machine, limit: UInt64 = 4_000_000_000) -> Outcome {
    let stop = machine.run(untilCycle: limit)
    return Outcome(of: machine, stop: stop, output: machine.takeSerialOutput(draining: true))
  }
}
