import CDwarf
import CElf

/// An image's DWARF beyond its line tables: functions with all of their copies, call frames, variables. libdw reads it when
/// it is asked for.
///
/// libdw keeps caches behind this, so that one thread at a time may use it.
public final class DebugInformation {
  /// The image's bytes where libdw finds them as long as this lives.
  private let memory: UnsafeMutableRawBufferPointer
  private let elf: OpaquePointer
  let dwarf: OpaquePointer
  /// Entries of DWARF that are gone through at most: each takes a byte of the file at least, so that more of them means that
  /// links between them go round in circles.
  let maxEntries: Int
  /// All functions that have code, in the order of the file.
  public private(set) lazy var functions: [SourceFunction] = FunctionReader(self).functions

  /// - Returns: nil for an image without DWARF.
  public init?(_ image: ELFImage) {
    guard elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE) else { return nil }
    memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.bytes.count, alignment: 16)
    memory.copyBytes(from: image.bytes)
    maxEntries = image.bytes.count
    let start = memory.baseAddress?.assumingMemoryBound(to: CChar.self)
    guard let elf = elf_memory(start, memory.count) else {
      memory.deallocate()
      return nil
    }
    guard let dwarf = dwarf_begin_elf(elf, DWARF_C_READ, nil) else {
      elf_end(elf)
      memory.deallocate()
      return nil
    }
    self.elf = elf
    self.dwarf = dwarf
  }

  deinit {
    dwarf_end(dwarf)
    elf_end(elf)
    memory.deallocate()
  }

  /// Calls `body` with each compilation unit until it says stop.
  func forEachUnit(_ body: (inout Dwarf_Die) -> Bool) {
    var offset: Dwarf_Off = 0
    var next: Dwarf_Off = 0
    var headerSize = 0
    while dwarf_nextcu(dwarf, offset, &next, &headerSize, nil, nil, nil) == 0 {
      var unit = Dwarf_Die()
      if dwarf_offdie(dwarf, offset + Dwarf_Off(headerSize), &unit) != nil, !body(&unit) { return }
      guard next > offset else { return }
      offset = next
    }
  }

  /// Calls `body` with each child of an entry until it says stop; at most `maxEntries` of them.
  func forEachChild(of parent: inout Dwarf_Die, _ body: (inout Dwarf_Die) -> Bool) {
    var child = Dwarf_Die()
    guard dwarf_child(&parent, &child) == 0 else { return }
    for _ in 0..<maxEntries {
      guard body(&child) else { return }
      var sibling = Dwarf_Die()
      guard dwarf_siblingof(&child, &sibling) == 0 else { return }
      child = sibling
    }
  }
}

/// Numbers of the DWARF 5 standard, 7.5, that C gives as enumerations.
enum DwarfNumber {
  static let tagFormalParameter: Int32 = 0x05
  static let tagLexicalBlock: Int32 = 0x0b
  static let tagInlinedSubroutine: Int32 = 0x1d
  static let tagSubprogram: Int32 = 0x2e
  static let tagVariable: Int32 = 0x34
  static let attributeLocation: UInt32 = 0x02
  static let attributeConstantValue: UInt32 = 0x1c
  static let attributeEncoding: UInt32 = 0x3e
  static let attributeFrameBase: UInt32 = 0x40
  static let attributeType: UInt32 = 0x49
  static let attributeLinkageName: UInt32 = 0x6e
}
