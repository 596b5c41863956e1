import Emulator
import IA32

/// One audit: what it has read and found so far. The checks are in the files beside this one, each a chapter of the
/// kernel's structures; what one learns (free frames, mapped pages, page tables) the later ones compare.
final class AuditRun {
  let machine: Machine
  let symbols: KernelSymbols
  let memory: GuestMemory
  private(set) var violations: [Violation] = []
  private var told: [AuditCheck: Int] = [:]
  /// Violations of one check that are told.
  private static let limit = 20

  // The kernel's variables.
  let memMap: UInt32
  let maxFrame: UInt32
  let maxLowFrame: UInt32
  let highMemory: UInt32
  let vmallocStart: UInt32
  /// What CR3 would be for the reference table.
  let referenceCR3: UInt32

  // What the page allocator's chapter finds.
  var freeFrames = FrameSet()
  /// The order of each free block, by its first frame.
  var freeBlocks: [UInt32: UInt32] = [:]
  var descriptors = DescriptorScan()

  // What the tables' chapters find.
  var areas: [Area] = []
  /// What is mapped in the vmalloc range, by linear page number.
  var mapped: [UInt32: Mapping] = [:]
  /// Frames of page tables and directories, and what each is.
  var tables: [UInt32: String] = [:]
  /// Where each frame is mapped by a user that counts.
  var owners: [UInt32: [String]] = [:]
  /// Where frames are shown without counting as a user: vmap and the windows.
  var views: [(frame: UInt32, place: String)] = []

  init(machine: Machine, symbols: KernelSymbols) {
    self.machine = machine
    self.symbols = symbols
    memory = GuestMemory(machine.memory)
    func variable(_ symbol: KernelSymbol, _ memory: GuestMemory) -> UInt32 {
      memory.word(directlyMapped: symbols[symbol]) ?? 0
    }
    memMap = variable(.memMap, memory)
    maxFrame = variable(.maxFrame, memory)
    maxLowFrame = variable(.maxLowFrame, memory)
    highMemory = variable(.highMemory, memory)
    vmallocStart = variable(.vmallocStart, memory)
    referenceCR3 = symbols[.swapperPointerTable] - KernelLayout.pageOffset
  }

  func checkAll() {
    guard checkVariables() else { return }
    checkZones()
    scanDescriptors()
    checkReferenceTable()
    checkAreas()
    checkAreaTree()
    checkProcesses()
    checkWindows()
    checkTables()
    checkCaches()
    checkFrames()
    checkTLB()
  }

  /// Notes a violation.
  func report(_ check: AuditCheck, _ sentence: @autoclosure () -> String) {
    let before = told[check, default: 0]
    told[check] = before + 1
    if before < Self.limit { violations.append(Violation(check: check, sentence: sentence())) }
  }

  func expect(_ holds: Bool, _ check: AuditCheck, _ sentence: @autoclosure () -> String) {
    if !holds { report(check, sentence()) }
  }

  // MARK: Reading

  func variable(_ symbol: KernelSymbol) -> UInt32 { memory.word(directlyMapped: symbols[symbol]) ?? 0 }

  /// A field of a structure that lies in the direct map; nil when it does not.
  func field(_ structure: UInt32, _ offset: UInt32) -> UInt32? {
    isDirectlyMapped(structure) ? memory.word(directlyMapped: structure &+ offset) : nil
  }

  func isDirectlyMapped(_ linear: UInt32) -> Bool { linear >= KernelLayout.pageOffset && linear < highMemory }

  /// A physical range from a table of ranges.
  func ranges(_ table: KernelSymbol, count: KernelSymbol, capacity: UInt32) -> [Range<UInt64>] {
    (0..<min(variable(count), capacity)).compactMap { index in
      let entry = UInt64(symbols[table] - KernelLayout.pageOffset) + UInt64(index) * 16
      guard let start = memory.doubleword(entry), let end = memory.doubleword(entry + 8), start < end else {
        return nil
      }
      return start..<end
    }
  }

  // MARK: Variables

  /// Whether the variables make sense together; if not, nothing else can be looked at.
  func checkVariables() -> Bool {
    let before = violations.count
    expect(
      maxLowFrame <= maxFrame && maxLowFrame <= 896 << 8 && maxFrame <= 1 << 28, .variables,
      "max_low_pfn is \(maxLowFrame) and max_pfn \(maxFrame), which no memory map gives")
    expect(
      UInt64(highMemory) == UInt64(KernelLayout.pageOffset) + UInt64(maxLowFrame) << 12, .variables,
      "high_memory is \(hex(highMemory)), which is not the end of \(maxLowFrame) frames of lowmem")
    expect(
      vmallocStart % (8 << 20) == 0 && vmallocStart < KernelLayout.vmallocEnd
        && UInt64(vmallocStart) >= UInt64(highMemory) + 8 << 20, .variables,
      "vmalloc_start is \(hex(vmallocStart)), which leaves no hole of 8 MiB after high_memory")
    let map = UInt64(memMap) &- UInt64(KernelLayout.pageOffset)
    expect(
      memMap >= KernelLayout.pageOffset && memMap % 16 == 0
        && UInt64(memMap) + UInt64(maxFrame) * UInt64(KernelLayout.Page.size) <= UInt64(highMemory)
        && machine.memory.isRAM(
          PhysicalAddress(map), count: UInt64(maxFrame) * UInt64(KernelLayout.Page.size)),
      .variables, "mem_map is \(hex(memMap)), where \(maxFrame) descriptors do not lie in lowmem")
    return violations.count == before
  }
}

/// A linear address for people.
func hex(_ linear: UInt32) -> String { hexadecimal(UInt64(linear), digits: 8) }

/// A table entry or physical address for people.
func hex(_ value: UInt64) -> String { hexadecimal(value, digits: 16) }

/// A set of frame numbers.
struct FrameSet {
  private var words: [UInt64] = []

  /// Adds the frames of an aligned block; false when one of them was in already.
  mutating func insert(_ frame: UInt32, order: UInt32) -> Bool {
    let first = Int(frame >> 6)
    let last = Int((frame &+ 1 << order &- 1) >> 6)
    if last >= words.count { words.append(contentsOf: repeatElement(0, count: last + 1 - words.count)) }
    let bits: UInt64 = order >= 6 ? .max : (1 << (1 << UInt64(order)) - 1) << UInt64(frame & 63)
    var isNew = true
    for index in first...max(first, last) {
      if words[index] & bits != 0 { isNew = false }
      words[index] |= bits
    }
    return isNew
  }

  func contains(_ frame: UInt32) -> Bool {
    let index = Int(frame >> 6)
    return index < words.count && words[index] >> UInt64(frame & 63) & 1 != 0
  }
}
