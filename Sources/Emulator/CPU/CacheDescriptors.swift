/// CPUID leaf 2: one byte for each TLB array and cache, from a fixed list of shapes. SDM vol. 2A, table 3-12.
///
/// A shape that no byte stands for is left out: its place holds the null descriptor 00h. The list knows nothing of
/// replacement policies nor of paging-structure caches.
struct CacheDescriptors: Hashable, Sendable {
  private let instruction4K: UInt32
  private let instructionLarge: UInt32
  private let data4K: UInt32
  private let dataLarge: UInt32
  private let level1Instruction: UInt32
  private let level1Data: UInt32
  private let level2: UInt32

  init(_ tlb: TLBGeometry, _ caches: CacheGeometries) {
    instruction4K = Self.byte(for: tlb.instruction4K, among: Self.instruction4KBytes)
    instructionLarge = Self.byte(for: tlb.instructionLarge, among: Self.instructionLargeBytes)
    data4K = Self.byte(for: tlb.data4K, among: Self.data4KBytes)
    dataLarge = Self.byte(for: tlb.dataLarge, among: Self.dataLargeBytes)
    level1Instruction = Self.byte(for: caches.instruction, among: Self.level1InstructionBytes)
    level1Data = Self.byte(for: caches.data, among: Self.level1DataBytes)
    level2 = Self.byte(for: caches.l2, among: Self.level2Bytes)
  }

  /// The leaf, the bytes where the Pentium II has them. AL = 01h: one execution tells all.
  var leaf: (eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    let eax = 0x01 | instruction4K << 8 | instructionLarge << 16 | data4K << 24
    let edx = level2 | level1Instruction << 8 | dataLarge << 16 | level1Data << 24
    return (eax, 0, 0, edx)
  }

  // MARK: The list

  /// Entries or bytes, ways, and the descriptor.
  private typealias Row = (size: Int, ways: Int, byte: UInt32)

  private static let instruction4KBytes: [Row] = [(32, 4, 0x01), (128, 4, 0xb0), (48, 48, 0x61)]
  private static let instructionLargeBytes: [Row] = [(2, 2, 0x02), (4, 4, 0x0b)]
  private static let data4KBytes: [Row] = [(64, 4, 0x03), (16, 4, 0x57), (128, 4, 0xb3), (256, 4, 0xb4)]
  private static let dataLargeBytes: [Row] = [(8, 4, 0x04), (32, 4, 0x05), (16, 4, 0x56)]

  // Those with lines of 32 bytes.
  private static let level1InstructionBytes: [Row] = [(8 << 10, 4, 0x06), (16 << 10, 4, 0x08)]
  private static let level1DataBytes: [Row] = [(8 << 10, 2, 0x0a), (16 << 10, 4, 0x0c)]
  private static let level2Bytes: [Row] = [
    (128 << 10, 4, 0x41), (256 << 10, 4, 0x42), (512 << 10, 4, 0x43), (1 << 20, 4, 0x44), (2 << 20, 4, 0x45),
    (256 << 10, 8, 0x82), (512 << 10, 8, 0x83), (1 << 20, 8, 0x84), (2 << 20, 8, 0x85),
  ]

  private static func byte(for array: TLBGeometry.Array, among rows: [Row]) -> UInt32 {
    rows.first { $0.size == array.entries && $0.ways == array.ways }?.byte ?? 0
  }

  private static func byte(for cache: CacheGeometry, among rows: [Row]) -> UInt32 {
    rows.first { $0.size == cache.bytes && $0.ways == cache.ways }?.byte ?? 0
  }
}
