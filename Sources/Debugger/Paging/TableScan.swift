import Emulator
import IA32
import Reports

/// Goes through the paging structures in force, from the PDPTE registers on. The walker alone says what an entry means; where P
/// is clear, no walk is made.
struct TableScan {
  /// What is at a linear address.
  enum Found {
    case page(Translation)
    /// An entry is present and has reserved bits set: any use is a fault.
    case refused(PageWalk.Step)
  }

  let machine: Machine
  let control: PagingControl

  init(_ machine: Machine) {
    self.machine = machine
    control = machine.pagingControl
  }

  private var entryBytes: Int { control.mode == .pae ? 8 : 4 }
  /// Bytes of linear addresses that a directory serves: 1 GiB, or all 4 GiB.
  private var directorySpan: UInt64 { control.mode == .pae ? 1 << 30 : 1 << 32 }
  private var largePage: UInt64 { 1 << UInt64(control.largePageShift) }

  /// Calls `body` with the first address and the size of each present page that touches `range`, in order, until it says stop.
  func forEachPage(in range: ClosedRange<UInt32>, _ body: (_ linear: UInt32, _ bytes: UInt64, Found) -> Bool)
  {
    guard control.mode != .off else { return }
    var start = UInt64(range.lowerBound)
    let end = UInt64(range.upperBound) + 1
    while start < end {
      let next = (start / directorySpan + 1) * directorySpan
      if let first = walk(start).steps.first(where: { $0.level == .pde }), let address = first.address {
        let entries = entries(at: address & ~0xfff)
        guard scanDirectory(start..<min(next, end), entries, body) else { return }
      }
      start = next
    }
  }

  private func scanDirectory(
    _ range: Range<UInt64>, _ entries: [UInt64], _ body: (UInt32, UInt64, Found) -> Bool
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
        let table = self.entries(at: address & ~0xfff)
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
    machine.walk(LinearAddress(UInt32(truncatingIfNeeded: linear)), PageAccess(.read, user: false))
  }

  /// The entries of a page of them; none where there is no memory.
  private func entries(at address: UInt64) -> [UInt64] {
    guard let bytes = machine.peek(PhysicalAddress(address), count: 4096) else { return [] }
    return stride(from: 0, to: 4096, by: entryBytes).map { MemoryView.value(bytes[$0..<$0 + entryBytes]) }
  }
}
