import Foundation
import GuestImages
import IA32
import Testing

@testable import Debugger
@testable import Emulator

/// A shell over a machine, spoken to in lines.
struct TestSession {
  let session: DebuggerSession
  let shell: Shell

  init(_ session: DebuggerSession) {
    self.session = session
    shell = Shell(session)
  }

  var machine: Machine { session.machine }

  /// What a line answers, as one text; "error: ..." for a complaint.
  @discardableResult
  func say(_ line: String) -> String {
    switch shell.execute(line) {
    case .done(let lines): lines.joined(separator: "\n")
    case .failed(let message): "error: \(message)"
    }
  }

  // MARK: Guests from images

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ".build/images")

  /// The guest of an image that `make images` builds, before its first instruction.
  static func guest(
    _ name: String, mebibytes: UInt64 = 64, timing: TimingLevel = .functional
  ) throws -> TestSession {
    let image = try GuestImage(reading: folder.appending(path: name + ".elf").path)
    return try boot(image, mebibytes: mebibytes, timing: timing)
  }

  /// Code that runs at 100020h in flat protected mode.
  static func code(_ code: [UInt8], mebibytes: UInt64 = 4) throws -> TestSession {
    let flags: UInt32 = 0x1_0000
    let words: [UInt32] = [
      0x1BAD_B002, flags, 0 &- 0x1BAD_B002 &- flags, 0x10_0000, 0x10_0000, 0, 0x10_4000, 0x10_0020,
    ]
    let header = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    return try boot(GuestImage(file: "code", bytes: header + code), mebibytes: mebibytes)
  }

  private static func boot(
    _ image: GuestImage, mebibytes: UInt64, timing: TimingLevel = .functional
  ) throws -> TestSession {
    let memory = try MemoryMap(bytes: mebibytes << 20)
    let plan = try BootPlan(image: image, commandLine: "", modules: [], memory: memory.bootRegions)
    let machine = try Machine(
      MachineConfiguration(
        memoryBytes: memory.bytes, rom: BootROM.image(handover: plan.handover), timing: timing))
    try plan.load(into: machine.memory)
    return TestSession(DebuggerSession(machine: machine, image: image))
  }

  /// Runs until the instruction at `symbol` comes next.
  func run(to symbol: String) throws {
    #expect(say("until \(symbol)").hasPrefix("stopped at "))
  }

  /// The value of an expression, as a linear address is printed.
  func hex(_ expression: String) -> String {
    (try? session.evaluateLinear(expression)).map { LinearAddress($0).description } ?? expression
  }

  /// Code that sends back what comes over the serial line.
  static let echo: [UInt8] = [
    0x66, 0xBA, 0xFB, 0x03, 0xB0, 0x03, 0xEE,  // 8 data bits
    0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xF7,  // wait for a character
    0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xEE, 0xEB, 0xEF,  // take it, send it, again
  ]

  // MARK: Tables without a guest

  /// PAE paging over tables at fixed places, nothing executed:
  ///
  ///     00000000  2 MiB page at 0, supervisor, RW
  ///     40000000  000005000 RW S     40001000  000006000 RO U     40002000  not present
  ///     40003000  reserved bit 51    40004000  000007000 RW U G
  ///
  /// PDPT at 1000h, directories at 2000h and 3000h, page table at 4000h.
  ///
  /// - Parameter cached: PDEs that the paging-structure cache holds; 0 for a machine without.
  static func tables(cachingPDEs cached: Int = 0) throws -> TestSession {
    var configuration = MachineConfiguration(memoryBytes: 16 << 20, rom: [], timing: .functional)
    if cached > 0 { configuration.tlb.directoryCache = .init(entries: cached, ways: cached) }
    let machine = try Machine(configuration)
    let session = TestSession(DebuggerSession(machine: machine, image: nil))
    try session.write(0x2001, at: 0x1000)
    try session.write(0x3001, at: 0x1008)
    try session.write(0x83, at: 0x2000)
    try session.write(0x4007, at: 0x3000)
    try session.write(0x5003, at: 0x4000)
    try session.write(0x6005, at: 0x4008)
    try session.write(1 << 51 | 0x7003, at: 0x4018)
    try session.write(0x7107, at: 0x4020)
    try machine.moveToCR4([.physicalAddressExtension, .pageGlobalEnable])
    try machine.moveToCR3(0x1000)
    try machine.moveToCR0([.protectionEnable, .extensionType, .writeProtect, .paging])
    return session
  }

  /// Stores an entry as a loader would: no TLB knows of it.
  func write(_ entry: UInt64, at physical: UInt64) throws {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: entry >> (8 * $0)) }
    try machine.memory.write(bytes, at: PhysicalAddress(physical))
  }
}
