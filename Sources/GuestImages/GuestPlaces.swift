/// Names for a guest's linear addresses: symbols and source lines of its image.
public struct GuestPlaces: Sendable {
  private let image: ELFImage?
  /// The source lines; nil without an image.
  public let lines: LineTable?

  /// - Parameter image: nil for a guest whose image names nothing.
  public init(_ image: ELFImage?) {
    self.image = image
    lines = image.map { LineTable(of: $0) }
  }

  /// Such as "kernel_main+0x14"; nil where no symbol is.
  ///
  /// - Parameter isPaged: whether linear addresses go through page tables; before that a guest runs at its physical ones.
  public func symbol(at linear: UInt32, isPaged: Bool) -> String? {
    image?.symbol(at: linear, isPaged: isPaged).map {
      $0.symbol.displayName + ($0.offset == 0 ? "" : "+0x" + String($0.offset, radix: 16))
    }
  }

  /// The source line of the code at `linear`.
  public func line(at linear: UInt32, isPaged: Bool) -> LineTable.Place? {
    guard let image, let lines else { return nil }
    let linked = isPaged ? lines.place(at: linear) : nil
    return linked ?? image.linkedAddress(ofPhysical: linear).flatMap { lines.place(at: $0) }
  }

  /// The address at which the code at `linear` is linked: that of the bytes there, while a guest runs at its physical addresses.
  public func linkedAddress(of linear: UInt32, isPaged: Bool) -> UInt32 {
    guard let image else { return linear }
    if isPaged || lines?.place(at: linear) != nil { return linear }
    return image.linkedAddress(ofPhysical: linear) ?? linear
  }

  /// Such as "00100014 kernel_main+0x14 (main.c:12)", as far as it is known.
  public func description(of linear: UInt32, isPaged: Bool) -> String {
    let address = String(linear, radix: 16)
    let padded = String(repeating: "0", count: 8 - address.count) + address
    let line = line(at: linear, isPaged: isPaged).map { "(\($0.description))" }
    return [padded, symbol(at: linear, isPaged: isPaged), line].compactMap(\.self).joined(separator: " ")
  }
}
