import Testing

@testable import Emulator
@testable import MiniKernel

/// What must hold of the vmalloc range at any moment, seen from outside: read by physical address from the machine's
/// memory, by what the layout table says, through none of the kernel's own functions.
struct AreaAudit {
  let hardware: EmulatedHardware
  /// What is wrong, in words; empty when nothing is.
  private(set) var findings: [String] = []

  init(_ hardware: EmulatedHardware) {
    self.hardware = hardware
    run()
  }

  private func variable(_ offset: UInt32) -> UInt32 {
    hardware.readPhysical32(EmulatedHardware.imageStart + UInt64(offset))
  }

  private func word(_ linear: UInt32, _ offset: UInt32) -> UInt32 {
    hardware.readPhysical32(UInt64(linear &+ offset &- 0xC000_0000))
  }

  /// The page-table entry for a kernel address in the reference table; 0 when there is none.
  private func entry(_ linear: UInt32) -> UInt64 {
    let directory = EmulatedHardware.imageStart + UInt64(linear >> 21 & 511) * 8
    let upper = hardware.readPhysical(directory)
    if upper & 1 == 0 { return 0 }
    if upper & 0x80 != 0 { return (upper & ~0x80) + UInt64(linear >> 12 & 511) << 12 }
    return hardware.readPhysical((upper & 0xF_FFFF_FFFF_F000) + UInt64(linear >> 12 & 511) * 8)
  }

  private mutating func expect(_ holds: Bool, _ finding: @autoclosure () -> String) {
    if !holds { findings.append(finding()) }
  }

  private mutating func run() {
    let memMap = variable(KernelVariable.memMap)
    let start = variable(KernelVariable.vmallocStart)
    var mapped: [UInt64: UInt32] = [:]
    var expected: Set<UInt32> = []
    var area = variable(KernelVariable.vmlist)
    var last = start
    while area != 0 {
      let address = word(area, VMAreaLayout.address)
      let size = word(area, VMAreaLayout.size)
      let flags = word(area, VMAreaLayout.flags)
      let pages = word(area, VMAreaLayout.pages)
      let name = String(address, radix: 16)
      expect(address >= last && address &+ size <= 0xFFBF_E000, "area \(name) out of order or range")
      last = address &+ size
      for index in 0..<size / 4096 - 1 {
        let linear = address + index * 4096
        let leaf = entry(linear)
        expected.insert(linear)
        expect(leaf & 1 == 1, "page \(index) of area \(name) is not mapped")
        expect(leaf & 4 == 0, "page \(index) of area \(name) is open to ring 3")
        let frame = (leaf & 0xF_FFFF_FFFF_F000) >> 12
        if flags & 0x2 != 0 {
          let page = hardware.readPhysical32(vmallocedWord(pages, index))
          expect(UInt64((page - memMap) / 16) == frame, "page \(index) of area \(name) is another frame")
          expect(mapped.updateValue(linear, forKey: frame) == nil, "frame \(frame) is in two areas")
          expect(
            hardware.readPhysical32(UInt64(page - 0xC000_0000)) & 2 == 0, "frame \(frame) is free and mapped")
        } else if flags & 0x1 != 0 {
          let physical =
            UInt64(word(area, VMAreaLayout.physicalAddress))
            | UInt64(word(area, VMAreaLayout.physicalAddress + 4)) << 32
          expect(
            frame == physical >> 12 + UInt64(index), "page \(index) of bus area \(name) is another frame")
        }
      }
      area = word(area, VMAreaLayout.next)
    }
    auditUnmapped(start, expected)
    auditTLB()
  }

  /// The physical address of word `index` of a page array, which may itself be vmalloc'ed.
  private func vmallocedWord(_ array: UInt32, _ index: UInt32) -> UInt64 {
    let linear = array &+ index * 4
    if linear < variable(KernelVariable.highMemory) { return UInt64(linear - 0xC000_0000) }
    return (entry(linear) & 0xF_FFFF_FFFF_F000) + UInt64(linear & 4095)
  }

  /// Whatever is no area's page must not be mapped: guard pages, gaps, the hole.
  private mutating func auditUnmapped(_ start: UInt32, _ expected: Set<UInt32>) {
    var linear = start
    while linear < 0xFFBF_E000 {
      if hardware.readPhysical(EmulatedHardware.imageStart + UInt64(linear >> 21 & 511) * 8) & 1 == 0 {
        linear = (linear & ~0x1F_FFFF) &+ 0x20_0000
        continue
      }
      if entry(linear) & 1 == 1 {
        expect(expected.contains(linear), "\(String(linear, radix: 16)) is mapped and no area's page")
      }
      linear &+= 4096
    }
  }

  /// Whatever the data TLB holds for kernel pages of 4 KiB must be what memory says.
  private mutating func auditTLB() {
    for set in 0..<hardware.mmu.data4K.sets {
      for way in 0..<hardware.mmu.data4K.ways {
        let entry = hardware.mmu.data4K.way(way, ofSet: set).pointee
        if !entry.isValid || entry.page < 0xC0000 { continue }
        let leaf = hardware.readPhysical(entry.translation.leafAddress)
        expect(
          leaf & 1 == 1 && leaf & 0xF_FFFF_FFFF_F000 == entry.translation.frame,
          "the TLB holds a stale entry for page \(String(entry.page, radix: 16))")
      }
    }
  }
}
