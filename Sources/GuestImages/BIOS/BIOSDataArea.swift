/// What a PC's BIOS leaves in low memory for the system it starts: the data area at 400h and, at the end of conventional memory,
/// the extended data area (EBDA). IBM PS/2 and Personal Computer BIOS Interface Technical Reference, 1991, "BIOS Data Area".
///
/// Kernels read it without having been told to: for the serial port's address, and for where to look for the tables of
/// multiprocessors and ACPI, of which this machine has none.
enum BIOSDataArea {
  /// Physical addresses of the data area.
  static let range: Range<UInt64> = 0x400..<0x500
  /// Physical addresses of the EBDA: the last KiB below 640 KiB, which the memory map calls reserved.
  static let extendedRange: Range<UInt64> = 0x9_FC00..<0xA_0000

  /// The data area's bytes.
  /// - Parameter memory: the memory map as the guest is told of it: where its usable memory from address 0 ends is the size of
  ///   base memory, and if that is where the EBDA begins, there is one.
  static func bytes(memory: [BootPlan.MemoryRegion]) -> [UInt8] {
    let base = baseMemory(memory)
    var area = [UInt8](repeating: 0, count: range.count)
    func set(_ address: UInt64, _ value: UInt64, bytes: Int) {
      for byte in 0..<bytes {
        area[Int(address - range.lowerBound) + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
      }
    }
    set(0x400, 0x3F8, bytes: 2)  // COM1; COM2 to COM4 and LPT1 to LPT3 are not there
    set(0x40E, hasExtendedArea(memory) ? extendedRange.lowerBound >> 4 : 0, bytes: 2)
    // Equipment: a coprocessor (bit 1), 80 by 25 in colour (bits 4-5), one serial port (bits 9-11), no diskette (bit 0).
    set(0x410, 0x0222, bytes: 2)
    set(0x413, base >> 10, bytes: 2)
    // The keyboard's buffer: next to read, next to fill; it begins at 41Eh.
    set(0x41A, 0x1E, bytes: 2)
    set(0x41C, 0x1E, bytes: 2)
    set(0x449, 3, bytes: 1)  // video mode
    set(0x44A, 80, bytes: 2)  // columns
    set(0x44C, 0x1000, bytes: 2)  // bytes of a page; its offset, page and cursors are 0
    set(0x460, 0x0D0E, bytes: 2)  // the cursor's last and first line
    set(0x463, 0x3D4, bytes: 2)  // the CRT controller's port
    set(0x465, 0x29, bytes: 1)  // as written to the CGA's mode register: 80 columns, on, blinking
    set(0x466, 0x30, bytes: 1)
    set(0x47C, 1, bytes: 1)  // COM1's time-out
    set(0x480, 0x1E, bytes: 2)  // where the keyboard's buffer begins and ends
    set(0x482, 0x3E, bytes: 2)
    set(0x484, 24, bytes: 1)  // rows less one
    set(0x485, 16, bytes: 2)  // lines of a character
    set(0x487, 0x60, bytes: 1)  // a display adapter with 256 KiB that is in use
    set(0x488, 0x09, bytes: 1)
    set(0x489, 0x11, bytes: 1)  // a VGA with 400 lines
    return area
  }

  /// The EBDA's bytes: its size in KiB, and what the ROM's services keep there: from 100h on the memory map, as INT 15h, function
  /// E820h, gives it, the number of its entries first. What they find out of the disk comes at 200h.
  static func extendedBytes(memory: [BootPlan.MemoryRegion]) -> [UInt8] {
    var area = [UInt8](repeating: 0, count: extendedRange.count)
    area[0] = 1
    let regions = memory.prefix(maxMapEntries)
    var map: [UInt8] = []
    map.append(littleEndian: UInt32(regions.count))
    for region in regions {
      map.append(littleEndian: region.range.lowerBound)
      map.append(littleEndian: region.range.upperBound - region.range.lowerBound)
      map.append(littleEndian: UInt32(region.usable ? 1 : 2))
    }
    area.replaceSubrange(0x100..<0x100 + map.count, with: map)
    return area
  }

  private static let maxMapEntries = 12

  /// Physical addresses of the interrupt vectors.
  static let vectorRange: Range<UInt64> = 0..<0x400
  /// Vectors that are no handlers but lead to tables, of which there are none here.
  private static let tableVectors: Set<Int> = [0x1D, 0x1E, 0x1F, 0x41, 0x43, 0x46]

  /// The real-mode interrupt vectors: those that lead to the boot ROM's services, and zeros behind them.
  static var vectorBytes: [UInt8] {
    var table = [UInt8](repeating: 0, count: vectorRange.count)
    for (vector, offset) in BootROM.vectors.enumerated() where !tableVectors.contains(vector) {
      table.replaceDoubleword(at: 4 * vector, with: UInt32(BootROM.segment) << 16 | UInt32(offset))
    }
    return table
  }

  static func hasExtendedArea(_ memory: [BootPlan.MemoryRegion]) -> Bool {
    baseMemory(memory) == extendedRange.lowerBound
  }

  /// Bytes of usable memory from address 0 on, at most 640 KiB.
  static func baseMemory(_ memory: [BootPlan.MemoryRegion]) -> UInt64 {
    let low = BootPlan.MemoryRegion.usableRanges(memory).first { $0.contains(0) }
    return min(low?.upperBound ?? 0, extendedRange.upperBound)
  }
}
