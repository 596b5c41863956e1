import IA32

/// Everything that has to be true of the machine before its first instruction: pure data, computed from the image,
/// the options and the memory map. Applying it is the machine's part.
///
/// The plan assumes nothing of RAM: bytes that must be zero are listed in `zeroFills`. `writes` and `zeroFills` don't
/// overlap each other or anything that isn't usable RAM, but for the BIOS's extended data area, which guests are told to leave alone.
public struct BootPlan: Sendable {
  /// A range of the physical address space, as the guest is told of it.
  public struct MemoryRegion: Hashable, Sendable {
    /// The physical addresses.
    public let range: Range<UInt64>
    /// RAM that a guest may use; otherwise reserved: ROM, devices, holes.
    public let usable: Bool

    /// A region of these physical addresses.
    public init(range: Range<UInt64>, usable: Bool) {
      self.range = range
      self.usable = usable
    }

    /// The usable ranges in ascending order, neighbours joined.
    static func usableRanges(_ memory: [MemoryRegion]) -> [Range<UInt64>] {
      let sorted = memory.filter { $0.usable && !$0.range.isEmpty }.map(\.range)
        .sorted { $0.lowerBound < $1.lowerBound }
      var joined: [Range<UInt64>] = []
      for range in sorted {
        if let last = joined.last, last.upperBound >= range.lowerBound {
          joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
        } else {
          joined.append(range)
        }
      }
      return joined
    }
  }

  /// A file handed to the guest beside the kernel.
  public struct Module: Sendable {
    /// The file's name, as messages call it.
    public let file: String
    /// The file's contents.
    public let bytes: [UInt8]
    /// The string that the guest sees with it.
    public let string: String

    /// A module with these contents; nothing is read from disk.
    public init(file: String, bytes: [UInt8], string: String) {
      self.file = file
      self.bytes = bytes
      self.string = string
    }
  }

  /// Bytes and the physical address they go to. Slices share the image's storage: nothing is copied.
  public struct Write: Hashable, Sendable {
    /// The physical address of the first byte.
    public let address: PhysicalAddress
    /// What is written there.
    public let bytes: ArraySlice<UInt8>

    /// The physical addresses written.
    public var range: Range<UInt64> { address.rawValue..<address.rawValue + UInt64(bytes.count) }
  }

  /// Bytes to put into RAM.
  public private(set) var writes: [Write] = []
  /// Physical ranges to fill with zeros.
  public private(set) var zeroFills: [Range<UInt64>] = []
  /// How the guest is entered.
  public let bootProtocol: BootProtocol
  /// The physical address of the guest's first instruction.
  public let entry: UInt32
  /// EAX when the guest is entered.
  public private(set) var eax: UInt32 = 0
  /// EBX when the guest is entered.
  public private(set) var ebx: UInt32 = 0
  /// ESI when the guest is entered.
  public private(set) var esi: UInt32 = 0
  /// The end of a stack of 4 KiB in conventional memory that nothing else of the plan touches: at 80000h, near where GRUB has
  /// its own, if that is free. 0 where no 4 KiB are free, which no machine is small enough for.
  public private(set) var esp: UInt32 = 0

  /// The registers and entry point, for the boot ROM to hand over.
  public var handover: BootROM.Handover {
    BootROM.Handover(entry: entry, eax: eax, ebx: ebx, esi: esi, esp: esp)
  }

  /// The machine's boot ROM.
  public var rom: [UInt8] {
    bootProtocol == .bootSector ? BootROM.diskImage : BootROM.image(handover: handover)
  }

  /// Plans how `image` boots in a machine with the given memory.
  ///
  /// Without a boot protocol the guest gets no command line and no modules; asking for them is an error.
  ///
  /// - Parameters:
  ///   - commandLine: what the guest sees as its command line; it holds no file name.
  ///   - memory: the whole memory map in ascending order, usable and reserved, above 4 GiB too.
  /// - Throws: `GuestImageError` if a segment is outside usable RAM or something finds no room.
  public init(
    image: GuestImage, commandLine: String = "", modules: [Module] = [], memory: [MemoryRegion]
  ) throws(GuestImageError) {
    entry = image.entry
    bootProtocol = image.bootProtocol
    var placement = Placement(memory)
    for segment in image.segments {
      try Self.check(segment, file: image.file, memory: memory)
      placement.occupy(segment.physicalRange)
      load(segment, of: image)
    }
    if let range = image.linux?.runRange {
      try Self.check(range, called: "the memory that it unpacks itself to", file: image.file, memory: memory)
      placement.occupy(range)
    }
    leaveBIOSData(memory)
    switch bootProtocol {
    case .plain, .bootSector: try Self.checkNothingToTell(image, commandLine, modules)
    case .multiboot:
      let information = try MultibootInformation(
        image: image, commandLine: commandLine, modules: modules, memory: memory, placement: &placement)
      writes += information.writes
      (eax, ebx) = (MultibootHeader.bootloaderMagic, information.address)
    case .multiboot2:
      let information = try Multiboot2Information(
        image: image, commandLine: commandLine, modules: modules, memory: memory, placement: &placement)
      writes += information.writes
      (eax, ebx) = (Multiboot2Header.bootloaderMagic, information.address)
    case .linux:
      let parameters = try BootParameters(
        image: image, commandLine: commandLine, modules: modules, memory: memory, placement: &placement)
      writes += parameters.writes
      esi = parameters.address
    case .pvh:
      let information = try PVHStartInformation(
        image: image, commandLine: commandLine, modules: modules, memory: memory, placement: &placement)
      writes += information.writes
      ebx = information.address
    }
    placeStack(&placement)
  }

  /// - Throws: `GuestImageError` for what can't reach a guest without a protocol.
  private static func checkNothingToTell(
    _ image: GuestImage, _ commandLine: String, _ modules: [Module]
  ) throws(GuestImageError) {
    guard !commandLine.isEmpty || !modules.isEmpty else { return }
    throw GuestImageError(
      file: image.file, .unsupportedMultiboot,
      "it has no Multiboot header, so a command line or module can't reach it",
      expected: "an image with a Multiboot header in its first 8192 bytes, or neither --append nor --module")
  }

  private static let stackAddress: UInt64 = 0x7_F000
  private static let stackBytes: UInt64 = 0x1000

  /// Last: what the guest is handed has the better claim to a place.
  private mutating func placeStack(_ placement: inout Placement) {
    guard let stack = placement.place(size: Self.stackBytes, alignment: 0x1000, from: Self.stackAddress)
    else { return }
    esp = UInt32(truncatingIfNeeded: stack + Self.stackBytes)
  }

  /// What a BIOS leaves in low memory, unless the image itself lies there.
  private mutating func leaveBIOSData(_ memory: [MemoryRegion]) {
    let range = BIOSDataArea.range
    let isUsable = MemoryRegion.usableRanges(memory).contains {
      $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound
    }
    let taken = writes.map(\.range) + zeroFills
    func isFree(_ range: Range<UInt64>) -> Bool { !taken.contains { $0.overlaps(range) } }
    guard isUsable, isFree(range) else { return }
    if isFree(BIOSDataArea.vectorRange) {
      writes.append(Write(address: PhysicalAddress(0), bytes: BIOSDataArea.vectorBytes[...]))
    }
    writes.append(
      Write(address: PhysicalAddress(range.lowerBound), bytes: BIOSDataArea.bytes(memory: memory)[...]))
    guard BIOSDataArea.hasExtendedArea(memory) else { return }
    writes.append(
      Write(
        address: PhysicalAddress(BIOSDataArea.extendedRange.lowerBound),
        bytes: BIOSDataArea.extendedBytes(memory: memory)[...]))
  }

  private mutating func load(_ segment: Segment, of image: GuestImage) {
    if !segment.fileRange.isEmpty {
      writes.append(
        Write(address: PhysicalAddress(UInt64(segment.physical)), bytes: image.bytes[segment.fileRange]))
    }
    let zeros =
      segment.physicalRange.lowerBound + UInt64(segment.fileRange.count)..<segment.physicalRange.upperBound
    if !zeros.isEmpty { zeroFills.append(zeros) }
  }

  /// Refuses a segment that isn't wholly in usable RAM, and says what it hit.
  private static func check(
    _ segment: Segment, file: String, memory: [MemoryRegion]
  ) throws(GuestImageError) {
    try check(
      segment.physicalRange, called: "segment \(segment.index)", file: file, memory: memory)
  }

  private static func check(
    _ range: Range<UInt64>, called name: String, file: String, memory: [MemoryRegion]
  ) throws(GuestImageError) {
    let usable = MemoryRegion.usableRanges(memory)
    if usable.contains(where: { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }) {
      return
    }
    let wanted = "\(name) (physical \(describe(range)))"
    if let reserved = memory.first(where: { !$0.usable && $0.range.overlaps(range) }) {
      throw GuestImageError(
        file: file, .outsideMemory, "\(wanted) covers \(describe(reserved.range)), which is reserved",
        expected: "segments in RAM (link it elsewhere, commonly at 0x100000)")
    }
    throw GuestImageError(
      file: file, .outsideMemory, "\(wanted) reaches beyond the machine's RAM",
      expected: "segments in \(usable.map(describe).joined(separator: " or ")), or a machine with more memory"
    )
  }
}
