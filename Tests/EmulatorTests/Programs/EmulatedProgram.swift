import Foundation
import IA32

@testable import Emulator

/// The emulated machine that runs a `HostProcess`'s programs: the same bytes at the same offsets.
final class EmulatedProgram {
  /// How the machine is set up, which decides what implements its instructions.
  enum Setup: String, CaseIterable {
    /// Segments of 4 GiB from address 0: the named handlers.
    case flat
    /// Every segment begins at 1 MiB: the general handlers.
    case based
    /// As `flat`, under PAE paging and one instruction at a time.
    case stepped
  }

  let setup: Setup
  let machine: Machine
  private let shift: UInt32
  private let image: UnsafeMutableRawPointer

  init(_ setup: Setup) throws {
    self.setup = setup
    machine = try Machine(MachineConfiguration(memoryBytes: 16 << 20, rom: []))
    shift = setup == .based ? 0x10_0000 : 0
    // Nobody has set the PICs up.
    for port in [0x21, 0xa1] as [UInt16] { machine.bus.writePort(port, width: .byte, value: 0xff) }
    image = machine.memory.base + Int(HostProcess.base + shift)
    try machine.cpu.moveToControlRegister(0, CR0.protectionEnable.rawValue)
    if setup == .stepped { try turnPagingOn() }
  }

  /// PAE, all of RAM mapped to itself by 4 KiB pages, so that the TLB has work.
  private func turnPagingOn() throws {
    func put(_ address: Int, _ value: UInt64) {
      machine.memory.base.storeBytes(of: value.littleEndian, toByteOffset: address, as: UInt64.self)
    }
    put(0x1000, 0x2001)
    for directory in 0..<8 {
      put(0x2000 + 8 * directory, UInt64(0x3000 + directory << 12) | 3)
      for page in 0..<512 {
        put(0x3000 + directory << 12 + 8 * page, UInt64(directory << 9 + page) << 12 | 3)
      }
    }
    try machine.moveToCR3(0x1000)
    try machine.moveToCR4(.physicalAddressExtension)
    try machine.moveToCR0([.protectionEnable, .paging])
  }

  /// Takes over all that the host's process sees.
  func copyMemory(from shared: UnsafeRawPointer) {
    image.copyMemory(from: shared, byteCount: HostProcess.size)
    // out F4h, al
    (image + Int(HostProcess.exitAddress - HostProcess.base)).copyMemory(
      from: [0xe6, 0xf4] as [UInt8], byteCount: 2)
    machine.cpu.blocks.removeAll()
  }

  /// Whether data and stack are the same as `shared`; the first difference otherwise.
  func difference(from shared: UnsafeRawPointer) -> Int? {
    if memcmp(image, shared, HostProcess.dataBytes) == 0 { return nil }
    return (0..<HostProcess.dataBytes).first {
      image.load(fromByteOffset: $0, as: UInt8.self) != shared.load(fromByteOffset: $0, as: UInt8.self)
    }
  }

  /// Puts bytes where the program sees `address`.
  func write(_ bytes: [UInt8], at address: UInt32) {
    (image + Int(address - HostProcess.base)).copyMemory(from: bytes, byteCount: bytes.count)
  }

  /// The bytes that the program sees at `address`.
  func read(_ address: UInt32, count: Int) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: image + Int(address - HostProcess.base), count: count))
  }

  func byte(_ offset: Int) -> UInt8 { image.load(fromByteOffset: offset, as: UInt8.self) }

  /// Runs the program in memory; nil when it ended otherwise than by its exit.
  func execute(_ registers: ProgramRegisters, extraSegment: Bool) -> (ProgramRegisters, StopReason) {
    let cpu = machine.cpu
    cpu.isShutDown = false
    cpu.faultHistory = FaultHistory()
    for index in 0..<8 { cpu.registers[index] = registers.general[index] }
    cpu.state.pointee.eflags = registers.eflags
    cpu.state.pointee.eip = HostProcess.codeAddress
    func data(_ base: UInt32) -> SegmentCache { segment(base, access: 0x93) }
    cpu.state.pointee.cs = segment(0, access: 0x9b)
    for register in [SegmentRegister.ds, .ss, .gs] { cpu.state.pointee[register] = data(0) }
    cpu.state.pointee.fs = data(HostProcess.base)
    cpu.state.pointee.es = data(extraSegment ? HostProcess.base : 0)
    var stop: StopReason
    if setup == .stepped {
      let end = machine.cycle + 1 << 16
      repeat {
        stop = machine.run(untilCycle: machine.cycle + 1)
      } while stop == .cycleLimit && machine.cycle < end
    } else {
      stop = machine.run(untilCycle: machine.cycle + 1 << 16)
    }
    var result = ProgramRegisters()
    for index in 0..<8 { result.general[index] = cpu.registers[index] }
    result.eflags = cpu.state.pointee.eflags
    return (result, stop)
  }

  private func segment(_ base: UInt32, access: UInt8) -> SegmentCache {
    var cache = SegmentCache()
    cache.selector = 8
    cache.access = access
    cache.is32Bit = true
    cache.base = base &+ shift
    cache.limit = .max
    return cache
  }
}
