/// Why a store to a frame of RAM must not go straight to the host's memory.
struct FrameMarks: OptionSet {
  let rawValue: UInt8

  /// The page walker has read an entry in it, and changes of page tables are to be told.
  static let pageTable = FrameMarks(rawValue: 1 << 0)
  /// Bytes in it are watched.
  static let watched = FrameMarks(rawValue: 1 << 1)
  /// The history holds what stood in it when its newest snapshot was taken: stores need not be told any more. The only
  /// mark whose absence matters, and only while there is a history.
  static let saved = FrameMarks(rawValue: 1 << 2)
  /// PDPTEs were read from it, and changes of them are to be told; of nothing else in the frame.
  static let pointerTable = FrameMarks(rawValue: 1 << 3)
  /// The check for stale translations knows entries in it. Apart from `pageTable`, so that the check makes no other observer see more.
  static let checked = FrameMarks(rawValue: 1 << 4)
  /// A processor holds code decoded from it.
  static let code = FrameMarks(rawValue: 1 << 5)

  /// Those whose stores are told.
  static let told: FrameMarks = [.pageTable, .watched, .pointerTable, .checked]
}

/// What a store did to memory, as those who watch its frame are told.
struct NoticedStore {
  /// Physical address of the first byte, within one frame.
  var physical: UInt64
  var bytes: UInt32
  var writer: StoreWriter
}

/// Who holds code that was decoded from RAM: a processor's block cache.
protocol CodeHolder: AnyObject {
  func holdsCode(inFrame frame: Int) -> Bool
  /// A store is about to change the bytes `start` to `end` - 1 of a frame.
  func willStore(inFrame frame: Int, from start: UInt32, to end: UInt32)
}

/// What takes stores to RAM past the gate: a processor's access filter.
protocol StoreShortcut: AnyObject {
  /// Stores to the page at `hostPage` have to come through the gate from now on.
  func close(hostPage: UnsafeRawPointer)
  /// That may be so of every page.
  func closeAll()
}

/// What stands between stores and RAM, for all processors and devices of a machine: decoded code dies, page tables under observation and watched bytes are reported, and
/// the history keeps what a page held.
///
/// A frame with such a mark has no write entry in the access filter, so every store to it comes through here; all
/// others never do. So what is not watched costs nothing.
final class StoreGate {
  private let memory: PhysicalMemory
  /// The marks of each frame. Host memory for it comes as pages of it are touched.
  private let marks: UnsafeMutablePointer<UInt8>
  private let frameCount: Int
  /// A frame needs notice when `(marks ^ inverted) & relevant` is not 0.
  private var relevant = FrameMarks.told.union(.code)
  private let inverted = FrameMarks.saved
  /// Who is storing now; the walker says so around its own stores.
  var writer = StoreWriter.instruction
  /// The linear address of the store being made; of the walk, while the walker stores.
  var linear: UInt32 = 0
  /// Called before a page is changed whose `saved` mark is missing, with its frame. The mark is set afterwards.
  var save: (_ frame: UInt64) -> Void = { _ in }
  /// Told about each store to a frame with one of the marks `FrameMarks.told`, before and after it.
  var storing: (NoticedStore) -> Void = { _ in }
  var stored: (NoticedStore) -> Void = { _ in }
  /// Of each processor, which live as long as the gate.
  private var codeHolders: [any CodeHolder] = []
  private var shortcuts: [Shortcut] = []

  private struct Shortcut {
    unowned let filter: any StoreShortcut
  }

  init(memory: PhysicalMemory) {
    self.memory = memory
    frameCount = Int(memory.layout.top >> 12)
    marks = zeroedPages(of: UInt8.self, count: frameCount)
  }

  deinit { releasePages(marks, count: frameCount) }

  /// Lets a processor's code and filter hear of stores.
  func add(_ holder: any CodeHolder, _ shortcut: any StoreShortcut) {
    codeHolders.append(holder)
    shortcuts.append(Shortcut(filter: shortcut))
  }

  // MARK: Stores

  @inline(__always)
  private func needsNotice(_ frame: Int) -> Bool {
    (marks[frame] ^ inverted.rawValue) & relevant.rawValue != 0
  }

  /// Whether stores to the page of RAM at `host` may go there directly.
  @inline(__always)
  func isOpen(_ host: UnsafeMutableRawPointer) -> Bool {
    !needsNotice(Int(memory.physicalAddress(ofHost: host) >> 12))
  }

  /// Stores `bytes` bytes at `offset` of the page of RAM at `host` by way of `body`.
  @inline(__always)
  func store(
    _ host: UnsafeMutableRawPointer, offset: UInt32, bytes: UInt32, _ body: () -> Void
  ) {
    let frame = Int(memory.physicalAddress(ofHost: host) >> 12)
    guard needsNotice(frame) else { return body() }
    if marks[frame] & FrameMarks.code.rawValue != 0 {
      for holder in codeHolders { holder.willStore(inFrame: frame, from: offset, to: offset &+ bytes) }
      guard (marks[frame] ^ inverted.rawValue) & relevant.rawValue & ~FrameMarks.code.rawValue != 0 else {
        return body()
      }
    }
    let store = NoticedStore(
      physical: UInt64(frame) << 12 | UInt64(offset), bytes: bytes, writer: writer)
    announce(store)
    body()
    conclude(store)
  }

  @inline(never)
  private func announce(_ store: NoticedStore) {
    let frame = Int(store.physical >> 12)
    if relevant.contains(.saved) && marks[frame] & FrameMarks.saved.rawValue == 0 {
      save(UInt64(frame))
      marks[frame] |= FrameMarks.saved.rawValue
    }
    if isReported(frame) { storing(store) }
  }

  @inline(never)
  private func conclude(_ store: NoticedStore) {
    if isReported(Int(store.physical >> 12)) { stored(store) }
  }

  private func isReported(_ frame: Int) -> Bool {
    marks[frame] & FrameMarks.told.rawValue != 0
  }

  // MARK: Code

  /// Memory is about to be changed from outside, within one frame: code decoded from it dies. Nothing is told.
  func willChange(_ physical: UInt64, bytes: UInt32) {
    guard marks(at: physical).contains(.code) else { return }
    let start = UInt32(physical & 0xfff)
    for holder in codeHolders {
      holder.willStore(inFrame: Int(physical >> 12), from: start, to: start &+ bytes)
    }
  }

  /// A holder no longer has code from this frame.
  func codeIsGone(fromFrame frame: Int) {
    guard !codeHolders.contains(where: { $0.holdsCode(inFrame: frame) }) else { return }
    unmark(UInt64(frame) << 12, .code)
  }

  // MARK: Marks

  /// The marks of the frame at a physical address; none outside RAM.
  func marks(at physical: UInt64) -> FrameMarks {
    memory.hostPage(physical >> 12) == nil ? [] : FrameMarks(rawValue: marks[Int(physical >> 12)])
  }

  /// Adds a mark to the frame at a physical address; nothing happens outside RAM.
  func mark(_ physical: UInt64, _ mark: FrameMarks) {
    guard let host = memory.hostPage(physical >> 12), !marks(at: physical).contains(mark) else { return }
    marks[Int(physical >> 12)] |= mark.rawValue
    for shortcut in shortcuts { shortcut.filter.close(hostPage: host) }
  }

  func unmark(_ physical: UInt64, _ mark: FrameMarks) {
    guard memory.hostPage(physical >> 12) != nil else { return }
    marks[Int(physical >> 12)] &= ~mark.rawValue
  }

  // MARK: History

  /// From now on the first store to each frame is told to `save`; or no more.
  func setKeepsHistory(_ keeps: Bool) {
    if keeps { relevant.insert(.saved) } else { relevant.remove(.saved) }
    closeAll()
  }

  /// Takes the mark `saved` from `frames`: a new snapshot has been taken.
  func forgetSaved(_ frames: some Sequence<UInt64>) {
    for frame in frames { marks[Int(frame)] &= ~FrameMarks.saved.rawValue }
    closeAll()
  }

  private func closeAll() {
    for shortcut in shortcuts { shortcut.filter.closeAll() }
  }
}
