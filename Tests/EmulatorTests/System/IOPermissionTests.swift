import IA32
import Testing

@testable import Emulator

/// IOPL and the TSS's bitmap: SDM vol. 1, 18.5.
@Suite struct IOPermissionTests {
  typealias F = SystemFixture
  static let bitmap: UInt32 = 0x68

  /// Ring 3 with a bitmap of 8 KiB, all ones, and the closing byte of ones.
  private func fixture() throws -> F {
    let f = try F()
    f.poke16(F.tss + 102, UInt16(Self.bitmap))
    // The fixture's tables above the TSS stay clear of it: the bitmap covers ports 0 to 7FFh.
    f.poke(F.tss + Self.bitmap, [UInt8](repeating: 0xff, count: 0x101))
    f.cpu.state.pointee.tr.limit = Self.bitmap + 0x100
    try f.enterRing(3)
    return f
  }

  private func fault(_ f: F, _ port: UInt16, _ bytes: UInt32) -> GuestFault? {
    f.fault { () throws(GuestFault) in try f.cpu.checkIOPermission(port: port, bytes: bytes) }
  }

  @Test("IOPL against CPL") func privilege() throws {
    let f = try fixture()
    #expect(fault(f, 0x20, 1) == .generalProtection(0))
    f.cpu.state.pointee.systemFlags |= EFLAGS.ioPrivilegeLevel.rawValue
    #expect(fault(f, 0x20, 1) == nil)
    let inner = try F()
    inner.cpu.state.pointee.tr.limit = 0
    #expect(fault(inner, 0xffff, 4) == nil)
    try inner.enterRealMode()
    #expect(fault(inner, 0xffff, 4) == nil)
  }

  /// Exactly one port is free: only the byte access to it passes. Then every pair and quartet around it.
  @Test(arguments: [UInt16(0), 1, 6, 7, 8, 9, 0x3f7, 0x3f8])
  func bits(_ port: UInt16) throws {
    let f = try fixture()
    func set(_ port: UInt16, free: Bool) {
      let address = F.tss + Self.bitmap + UInt32(port >> 3)
      let bit = UInt8(1) << UInt8(port & 7)
      let old = UInt8(f.peek32(address) & 0xff)
      f.poke(address, [free ? old & ~bit : old | bit])
    }
    for width in [UInt16(1), 2, 4] {
      for denied in port..<(port + width) {
        for each in port..<(port + width) { set(each, free: each != denied) }
        #expect(fault(f, port, UInt32(width)) == .generalProtection(0))
        set(denied, free: true)
        #expect(fault(f, port, UInt32(width)) == nil)
        for each in port..<(port + width) { set(each, free: false) }
      }
    }
  }

  @Test("The bitmap ends at the TSS's limit: two bytes are read") func limit() throws {
    let f = try fixture()
    f.poke(F.tss + Self.bitmap, [UInt8](repeating: 0, count: 0x100))
    #expect(fault(f, 0x7ff, 1) == nil)
    f.cpu.state.pointee.tr.limit -= 1
    #expect(fault(f, 0x7ff, 1) == .generalProtection(0))
    #expect(fault(f, 0x7f7, 1) == nil)
    #expect(fault(f, 0x7f8, 1) == .generalProtection(0))
    #expect(fault(f, 0xffff, 4) == .generalProtection(0))
  }

  @Test("A bitmap beyond the TSS, a TSS without one, a 16-bit TSS") func noBitmap() throws {
    let f = try fixture()
    f.poke16(F.tss + 102, 0xffff)
    #expect(fault(f, 0, 1) == .generalProtection(0))
    f.poke16(F.tss + 102, UInt16(Self.bitmap))
    f.poke(F.tss + Self.bitmap, [0, 0])
    #expect(fault(f, 0, 1) == nil)
    f.cpu.state.pointee.tr.limit = 102
    #expect(fault(f, 0, 1) == .generalProtection(0))
    f.cpu.state.pointee.tr.limit = 0xfff
    f.cpu.state.pointee.tr.access = 0x83
    #expect(fault(f, 0, 1) == .generalProtection(0))
  }
}
