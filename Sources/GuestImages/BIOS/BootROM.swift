internal import BootROM

/// The machine's boot ROM: the bytes below 4 GiB that the processor starts in, which lead it from real mode to the
/// guest's entry point. Its source is `firmware/BootROM/boot-rom.S`.
public enum BootROM {
  /// What the ROM loads into the processor before it jumps to the guest.
  public struct Handover: Hashable, Sendable {
    /// The guest's entry point, a physical address.
    public var entry: UInt32
    /// EAX at the entry point.
    public var eax: UInt32
    /// EBX at the entry point.
    public var ebx: UInt32
    /// ESI at the entry point.
    public var esi: UInt32
    /// The end of a stack, which grows down.
    public var esp: UInt32

    /// A hand-over to the physical address `entry`.
    public init(entry: UInt32, eax: UInt32 = 0, ebx: UInt32 = 0, esi: UInt32 = 0, esp: UInt32 = 0) {
      self.entry = entry
      self.eax = eax
      self.ebx = ebx
      self.esi = esi
      self.esp = esp
    }
  }

  /// The image's size in bytes: 64 KiB.
  public static let size = Int(PAGEWALK_BOOT_ROM_SIZE)
  /// Where the image is mapped: up to the last byte below 4 GiB. The PC shows the same bytes at `shadowBase`.
  public static let base: UInt64 = (1 << 32) - UInt64(PAGEWALK_BOOT_ROM_SIZE)
  /// Where the PC's real-mode copy lies, ending at FFFFFh.
  public static let shadowBase: UInt64 = (1 << 20) - UInt64(PAGEWALK_BOOT_ROM_SIZE)

  /// The image with its hand-over block filled in. Without one the ROM shows POST code EEh and halts.
  public static func image(handover: Handover? = nil) -> [UInt8] {
    let bytes = UnsafeBufferPointer(
      start: pagewalk_boot_rom_bytes(), count: Int(pagewalk_boot_rom_length()))
    var image = Array(bytes)
    guard let handover else { return image }
    func set(_ index: Int32, _ value: UInt32) {
      let fields = Int(PAGEWALK_HANDOVER_OFFSET) + Int(PAGEWALK_HANDOVER_SIGNATURE_SIZE)
      image.replaceDoubleword(at: fields + 4 * Int(index), with: value)
    }
    set(PAGEWALK_HANDOVER_ENTRY, handover.entry)
    set(PAGEWALK_HANDOVER_EAX, handover.eax)
    set(PAGEWALK_HANDOVER_EBX, handover.ebx)
    set(PAGEWALK_HANDOVER_ESI, handover.esi)
    image.replaceDoubleword(at: Int(pagewalk_boot_rom_stack_offset()), with: handover.esp)
    return image
  }

  /// The image of a machine that starts without a kernel: after reset it stays in real mode and boots the disk.
  public static var diskImage: [UInt8] {
    var image = image()
    let post = UInt16(pagewalk_boot_rom_post_offset())
    // JMP F000:post, at the reset vector.
    image.replaceSubrange(
      0xFFF0..<0xFFF5,
      with: [0xEA, UInt8(truncatingIfNeeded: post), UInt8(post >> 8), 0x00, UInt8(segment >> 8)])
    return image
  }

  /// The real-mode segment that the image is seen in.
  static let segment: UInt16 = 0xF000

  /// Where in `segment` the interrupt vectors from 0 on lead.
  static var vectors: [UInt16] {
    let image = image()
    let start = Int(pagewalk_boot_rom_vectors_offset())
    return (0..<0x78).map { UInt16(image[start + 2 * $0]) | UInt16(image[start + 2 * $0 + 1]) << 8 }
  }
}
