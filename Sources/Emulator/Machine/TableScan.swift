import IA32

/// Goes through paging structures and finds what they map. The walker alone says what an entry means; where P is clear, no walk
/// is made. Nothing of it is seen by the guest.
public struct TableScan {
  /// What is at a linear address.
  public enum Found {
    /// A present page.
    case page(Translation)
    /// An entry is present and has reserved bits set: any use is a fault.
    case refused(PageWalk.Step)
  }

  /// A page directory or a page table on the way.
  public struct Table {
    /// Physical address of its first entry.
    public var address: UInt64
    /// The first linear address that it maps.
    public var linear: UInt32
    /// Whose entries it holds: `.pde` or `.pte`.
    public var level: PageWalk.Level
  }

  private let machine: Machine
  private let cr3: UInt32?
  private let control: PagingControl

  /// - Parameter cr3: the structures to go through, as if CR3 had just been loaded with it; nil for those in force, from the
  ///   PDPTE registers on.
  public init(_ machine: Machine, cr3: UInt32? = nil) {
    self.machine = machine
    self.cr3 = cr3
    control = machine.pagingControl
  }

  private var entryBytes: Int { control.mode == .pae ? 8 : 4 }
  /// Bytes of linear addresses that a directory serves: 1 GiB, or all 4 GiB.
  private var directorySpan: UInt64 { control.mode == .pae ? 1 << 30 : 1 << 32 }
  private var largePage: UInt64 { 1 << UInt64(control.largePageShift) }

  /// Calls `body` with the first address and the size in bytes of each present page that touches `range`, in order, until it
  /// says stop by returning false.
  /// - Parameter enters: called with each page directory and page table before its entries are read; false passes over it.
  public func forEachPage(
    in range: ClosedRange<UInt32>, enters: (Table) -> Bool = { _ in true },
    _ body: (_ linear: UInt32, _ bytes: UInt64, Found) -> Bool
  ) {
    guard control.mode != .off else { return }
    var start = UInt64(range.lowerBound)
    let end = UInt64(range.upperBound) + 1
    while start < end {
      let first = start / directorySpan * directorySpan
      let next = first + directorySpan
      if let step = walk(start).steps.first(where: { $0.level == .pde }), let address = step.address,
        let entries = entries(of: address, first, .pde, enters)
      {
        guard scanDirectory(start..<min(next, end), entries, enters, body) else { return }
      }
      start = next
    }
  }

  private func scanDirectory(
    _ range: Range<UInt64>, _ entries: [UInt64], _ enters: (Table) -> Bool,
    _ body: (UInt32, UInt64, Found) -> Bool
  ) -> Bool {
    var start = range.lowerBound
    while start < range.upperBound {
      let next = (start / largePage + 1) * largePage
      defer { start = next }
      let index = Int(start / largePage) % (4096 / entryBytes)
      guard index < entries.count, entries[index] & EntryBit.present != 0 else { continue }
      let result = walk(start)
      let first = UInt32(truncatingIfNeeded: start & ~(largePage - 1))
      if let translation = result.translation, translation.isLarge {
        guard body(first, largePage, .page(translation)) else { return false }
      } else if let step = result.steps.last, step.level == .pte, let address = step.address {
        guard let table = self.entries(of: address, UInt64(first), .pte, enters) else { continue }
        guard scanTable(start..<min(next, range.upperBound), table, body) else { return false }
      } else if let step = result.steps.last {
        guard body(first, largePage, .refused(step)) else { return false }
      }
    }
    return true
  }

  private func scanTable(
    _ range: Range<UInt64>, _ entries: [UInt64], _ body: (UInt32, UInt64, Found) -> Bool
  ) -> Bool {
    for page in range.lowerBound >> 12...(range.upperBound - 1) >> 12 {
      let index = Int(page) % (4096 / entryBytes)
      guard index < entries.count, entries[index] & EntryBit.present != 0 else { continue }
      let result = walk(page << 12)
      let linear = UInt32(truncatingIfNeeded: page << 12)
      if let translation = result.translation {
        guard body(linear, 4096, .page(translation)) else { return false }
      } else if let step = result.steps.last {
        guard body(linear, 4096, .refused(step)) else { return false }
      }
    }
    return true
  }

  private func walk(_ linear: UInt64) -> WalkResult {
    let linear = LinearAddress(UInt32(truncatingIfNeeded: linear))
    let access = PageAccess(.read, user: false)
    guard let cr3 else { return machine.walk(linear, access) }
    return machine.walk(linear, access, cr3: cr3)
  }

  /// The entries of the page that the entry at `address` lies in; none where there is no memory, nil where it is passed over.
  private func entries(
    of address: UInt64, _ linear: UInt64, _ level: PageWalk.Level, _ enters: (Table) -> Bool
  ) -> [UInt64]? {
    let table = Table(
      address: address & ~0xfff, linear: UInt32(truncatingIfNeeded: linear), level: level)
    guard enters(table) else { return nil }
    guard let bytes = machine.peek(PhysicalAddress(table.address), count: 4096) else { return [] }
    return bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: 4096, by: entryBytes).map { offset in
        entryBytes == 8
          ? UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
          : UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      }
    }
  }
}
