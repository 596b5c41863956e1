import Emulator
import IA32

/// A translation that the TLB holds, and what it should be.
public struct HeldTranslation: Sendable {
  /// The array that holds it.
  public var array: TLBArrayName
  /// Its set, way and rank, and the entry.
  public var line: TLBLine
  /// The first linear address of the page.
  public var linear: UInt32

  /// - Parameter control: what the control registers say about paging.
  public init(_ array: TLBArrayName, _ line: TLBLine, _ control: PagingControl) {
    self.array = array
    self.line = line
    let isLarge = array == .dataLarge || array == .instructionLarge
    linear = line.entry.page << (isLarge ? control.largePageShift : 12)
  }

  /// Whether instruction fetches go by it.
  public var isInstruction: Bool { array == .instruction4K || array == .instructionLarge }
  /// Frame and rights.
  public var translation: Translation { line.entry.translation }

  /// Such as "DTLB 4K set 0 way 1".
  public var place: String { "\(array.rawValue) set \(line.set) way \(line.way)" }

  /// Where it differs from memory. Nothing is said of what memory allows beyond the entry but as a note: adding a right needs
  /// no flush. SDM vol. 3A, 4.10.4.2, 4.10.4.3.
  /// - Parameter linear: the address looked at, inside the page.
  public func findings(in machine: Machine, at linear: UInt32) -> [Finding] {
    let control = machine.pagingControl
    let access = PageAccess(.read, user: false)
    let memory = machine.walkFromMemory(LinearAddress(linear), access)
    let isPDPTE =
      control.mode == .pae && isSame(as: machine.walk(LinearAddress(linear), access), linear, control)
    let remedy =
      isPDPTE
      ? "no load of CR3 since the PDPTE in memory changed"
      : translation.isGlobal
        ? "no INVLPG since the change, and the page is global: a load of CR3 keeps it"
        : "no INVLPG or load of CR3 since the change"
    let section = isPDPTE ? "SDM 3A 4.4.1" : "SDM 3A 4.10.4.2"
    func stale(_ text: String) -> Finding {
      Finding(.stale, "\(place) \(text): \(remedy)", section)
    }
    guard let now = memory.translation else {
      let culprit = memory.culprit
      return [
        stale(
          "still translates \(LinearAddress(self.linear)), and in memory the \(culprit?.step.level.name ?? "entry") \(culprit?.verdict.text ?? "is not there")"
        )
      ]
    }
    let used = MemoryView.physical(translation, linear, control)
    let there = MemoryView.physical(now, linear, control)
    guard used == there else {
      return [
        stale(
          "gives \(PhysicalAddress(used & ~0xfff)) for \(LinearAddress(linear & ~0xfff)), memory gives \(PhysicalAddress(there & ~0xfff))"
        )
      ]
    }
    return rightsFindings(now, stale: stale)
  }

  private func rightsFindings(_ now: Translation, stale: (String) -> Finding) -> [Finding] {
    var findings: [Finding] = []
    var lost: [String] = []
    var added: [String] = []
    func compare(_ held: Bool, _ memory: Bool, _ name: String) {
      if held && !memory { lost.append(name) }
      if !held && memory { added.append(name) }
    }
    compare(translation.isWritable, now.isWritable, "writing")
    compare(translation.isUser, now.isUser, "user mode")
    if isInstruction { compare(!translation.isNoExecute, !now.isNoExecute, "execution") }
    if !lost.isEmpty {
      findings.append(
        stale(
          "still allows \(lost.joined(separator: " and ")) in \(LinearAddress(linear)), which memory does not"
        ))
    }
    if !added.isEmpty {
      findings.append(
        Finding(
          .note,
          "memory allows \(added.joined(separator: " and ")) in \(LinearAddress(linear)), which \(place) does not: it needs no flush, the first access that faults drops the entry",
          "SDM 3A 4.10.4.3"))
    }
    if translation.isDirty && !now.isDirty && !isInstruction && translation.isWritable {
      findings.append(stale("has D for \(LinearAddress(linear)) and memory has not: a write will not set it"))
    }
    if translation.isLarge != now.isLarge {
      findings.append(
        Finding(
          .note,
          "\(place) holds a page of another size than memory has at \(LinearAddress(linear)), with the same addresses",
          "SDM 3A 4.10.2.3"))
    }
    if translation.isCacheDisabled != now.isCacheDisabled || translation.isWriteThrough != now.isWriteThrough
    {
      findings.append(
        stale("has another memory type for \(LinearAddress(linear)) than memory says (PCD, PWT)"))
    }
    return findings
  }

  /// Whether the walk by the PDPTE registers gives what is held, while memory gives something else.
  private func isSame(as walk: WalkResult, _ linear: UInt32, _ control: PagingControl) -> Bool {
    guard let found = walk.translation else { return false }
    return MemoryView.physical(found, linear, control) == MemoryView.physical(translation, linear, control)
      && found.isWritable == translation.isWritable && found.isUser == translation.isUser
      && (!translation.isDirty || found.isDirty)
  }
}
