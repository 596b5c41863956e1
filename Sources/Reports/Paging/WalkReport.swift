import Emulator
import IA32

/// What `walk` found: the TLB's answer, the PDPTE register beside memory, memory's tables, and where they disagree.
public struct WalkReport {
  /// The address looked at.
  public let linear: UInt32
  /// The access that was asked about.
  public let access: PageAccess
  /// What the control registers say about paging.
  public let control: PagingControl
  /// CR3.
  public let cr3: UInt32
  /// What the TLB holds for the address: data and instruction side.
  public let held: [HeldTranslation]
  /// The PDE that the paging-structure cache holds for it.
  public let cached: DirectoryCacheLine?
  /// The walk that the processor would make after a miss, and the one through memory alone.
  public let processor: WalkResult
  /// The walk through memory alone, under PAE from the table in memory.
  public let memory: WalkResult
  /// Where the processor and memory disagree.
  public let findings: [Finding]

  /// Looks at `linear` by every way, and leaves no trace.
  public init(_ machine: Machine, _ linear: UInt32, _ access: PageAccess) {
    self.linear = linear
    self.access = access
    let address = LinearAddress(linear)
    let control = machine.pagingControl
    self.control = control
    cr3 = machine.registers.cr3
    var held: [HeldTranslation] = []
    for fetch in [false, true] {
      if let (array, line) = machine.lookUp(address, fetch: fetch) {
        held.append(HeldTranslation(array, line, control))
      }
    }
    self.held = held
    cached = machine.cachedDirectoryEntry(for: address)
    processor = machine.walkAsProcessor(address, access)
    memory = machine.walkFromMemory(address, access)
    findings = Self.find(machine, linear, held, cached, control)
  }

  private static func find(
    _ machine: Machine, _ linear: UInt32, _ held: [HeldTranslation], _ cached: DirectoryCacheLine?,
    _ control: PagingControl
  ) -> [Finding] {
    guard control.mode != .off else { return [] }
    var findings: [Finding] = []
    if control.mode == .pae {
      findings += PointerTable(machine).finding(at: Int(linear >> 30)).map { [$0] } ?? []
    }
    if let cached, let now = directoryEntry(machine, linear), (now ^ cached.entry.value) & ~0xe20 != 0 {
      findings.append(
        Finding(
          .stale,
          "the paging-structure cache holds the PDE \(hexadecimal(cached.entry.value, digits: 16)), memory has \(hexadecimal(now, digits: 16)): no INVLPG or load of CR3 since the change",
          "SDM 3A 4.10.4.2"))
    }
    for one in held { findings += one.findings(in: machine, at: linear) }
    if held.count == 2 {
      let places = held.map { MemoryView.physical($0.translation, linear, control) }
      if places[0] != places[1] {
        findings.append(
          Finding(.stale, "loads and instruction fetches go to different pages", "SDM 3A 4.10.4.2"))
      }
    }
    return findings
  }

  private static func directoryEntry(_ machine: Machine, _ linear: UInt32) -> UInt64? {
    machine.walk(LinearAddress(linear), PageAccess(.read, user: false)).steps.first { $0.level == .pde }?
      .value
  }

  /// The answer for the access.
  public enum Outcome: Hashable, Sendable {
    case physical(UInt64)
    case fault(PageFaultErrorCode, why: String, section: String)
  }

  /// The entry that would answer the access.
  public var answering: HeldTranslation? { held.first { $0.isInstruction == (access.kind == .fetch) } }

  /// What the processor would do now.
  public var outcome: Outcome {
    guard control.mode != .off else { return .physical(UInt64(linear)) }
    guard let answering else { return Self.outcome(of: processor, linear, control) }
    let translation = answering.translation
    let missing = PageWalk.missingRight(
      for: access, isUserPage: translation.isUser, isWritable: translation.isWritable,
      isNoExecute: translation.isNoExecute && access.kind == .fetch, writeProtect: control.writeProtect)
    guard missing != nil else { return .physical(MemoryView.physical(translation, linear, control)) }
    var code: PageFaultErrorCode = .present
    if access.kind == .write { code.insert(.write) }
    if access.isUser { code.insert(.user) }
    if access.kind == .fetch && control.noExecute { code.insert(.instructionFetch) }
    return .fault(
      code, why: "\(answering.place) does not allow it, and goes with the fault", section: "SDM 3A 4.10.4.1")
  }

  /// What it would do if TLB, PDPTE registers and paging-structure cache held nothing.
  public var outcomeInMemory: Outcome { Self.outcome(of: memory, linear, control) }

  private static func outcome(of walk: WalkResult, _ linear: UInt32, _ control: PagingControl) -> Outcome {
    if let translation = walk.translation {
      return .physical(MemoryView.physical(translation, linear, control))
    }
    guard let fault = walk.fault, let (step, verdict) = walk.culprit else { return .physical(UInt64(linear)) }
    let name = EntryName.text(step.level, linear, control)
    return .fault(fault, why: "\(name) \(verdict.text)", section: verdict.section)
  }

  /// Where the last entry of memory's walk lies, or the one that forbids the access: what `$pa` becomes.
  public var lastEntryAddress: UInt64? {
    (memory.culprit?.step ?? memory.steps.last)?.place(cr3: cr3, linear)
  }
}

/// Entries by name and index: "PDE[0]".
public enum EntryName {
  /// The index of the entry of `level` on the way to `linear`.
  public static func index(_ level: PageWalk.Level, _ linear: UInt32, _ control: PagingControl) -> UInt32 {
    switch (level, control.mode) {
    case (.pdpte, _): linear >> 30
    case (.pde, .pae): linear >> 21 & 511
    case (.pde, _): linear >> 22
    case (.pte, .pae): linear >> 12 & 511
    case (.pte, _): linear >> 12 & 1023
    }
  }

  /// Such as "PDE[0]".
  public static func text(_ level: PageWalk.Level, _ linear: UInt32, _ control: PagingControl) -> String {
    "\(level.name)[\(index(level, linear, control))]"
  }
}
