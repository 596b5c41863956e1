/// How an image is entered.
public enum BootProtocol: String, Hashable, Sendable, CaseIterable {
  /// Multiboot 1: EAX holds 2BADB002h, EBX the address of the information structure.
  case multiboot
  /// Multiboot 2: EAX holds 36D76289h, EBX the address of the information structure.
  case multiboot2
  /// Linux's 32-bit boot protocol: ESI holds the address of `boot_params`.
  case linux
  /// Xen's PVH: EBX holds the address of `hvm_start_info`.
  case pvh
  /// The file is a disk: the boot ROM's services load its first sector to 7C00h and enter it in real mode, DL 80h.
  case bootSector = "boot-sector"
  /// No protocol: the entry point in flat 32-bit protected mode, EAX and EBX 0.
  case plain
}

/// What a person decides about how a file is started; whatever is left out, its contents decide.
public struct StartChoice: Hashable, Sendable {
  /// The protocol; nil for the one that the file's contents show.
  public var bootProtocol: BootProtocol?
  /// The file is no executable with headers but bytes for this physical address, where execution begins, too.
  public var loadAddress: UInt32?

  /// A choice; without arguments it leaves everything to the contents.
  public init(bootProtocol: BootProtocol? = nil, loadAddress: UInt32? = nil) {
    self.bootProtocol = bootProtocol
    self.loadAddress = loadAddress
  }
}

extension StartChoice {
  /// A physical address below 4 GiB as people write it: hexadecimal, with or without "0x"; nil for anything else.
  public static func parseAddress(_ text: String) -> UInt32? {
    let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text[...]
    guard !digits.isEmpty, digits.utf8.count <= 16, digits.allSatisfy(\.isHexDigit) else { return nil }
    return UInt32(digits, radix: 16)
  }
}
