import IA32

/// Where a walk reads its entries and writes A and D: memory for the MMU, an onlooker's view for a debugger.
protocol WalkMemory {
  /// The entry of `bytes` (4 or 8) at `address`.
  func readEntry(at address: UInt64, bytes: UInt8) -> UInt64
  /// Sets `bits` in the entry by one locked read-modify-write. SDM vol. 3A, 4.8, 8.1.2.2.
  func setBits(_ bits: UInt64, inEntryAt address: UInt64, bytes: UInt8)
}

/// One walk through the paging structures, a step at a time.
///
/// The only walker there is: the MMU runs it to its end, a debugger stops between its steps. `next` names the step
/// that `advance` will take.
///
/// A and D are written after every check has passed, the upper level first: an access that faults leaves the
/// structures as they were.
public struct PageWalk: Sendable {
  /// A level of the paging structures. SDM vol. 3A, 4.3 and 4.4.
  public enum Level: UInt8, Sendable {
    case pdpte
    case pde
    case pte
  }

  /// What one step found. SDM vol. 3A, 4.7 names the faults.
  public enum Verdict: Hashable, Sendable {
    /// The entry points to the next level.
    case references
    /// The entry maps the page.
    case maps
    /// P is clear.
    case notPresent
    /// These reserved bits are set.
    case reservedBits(UInt64)
    /// The rights of all levels together do not allow the access.
    case forbidden(Right)
    /// A, or A and D, were set.
    case updated
  }

  /// The right that was missing. SDM vol. 3A, 4.6.1.
  public enum Right: UInt8, Sendable {
    /// A user-mode access to a supervisor-mode page.
    case user
    /// A user-mode write to a read-only page.
    case userWrite
    /// A supervisor write to a read-only page under CR0.WP.
    case supervisorWrite
    /// A fetch from a page whose NX is set.
    case execute
  }

  /// One completed step.
  public struct Step: Sendable {
    /// Where in the structures the entry is.
    public var level: Level
    /// Physical address of the entry; nil for a PDPTE, which comes from its register.
    public var address: UInt64?
    /// The entry as read; for an update, as written.
    public var value: UInt64
    /// What the walk made of it.
    public var verdict: Verdict
  }

  /// What the walk will do next.
  public enum Phase: Sendable {
    case readPDPTE
    case readPDE
    case readPTE
    case updatePDE
    case updatePTE
    case done
  }

  /// The linear address that is walked for.
  public let linear: UInt32
  /// What it is walked for.
  public let access: PageAccess
  /// The registers that it obeys.
  public let control: PagingControl
  /// The step that `advance` takes next.
  public private(set) var next: Phase
  /// The page-fault error code, once the walk has ended in a fault.
  public private(set) var fault: PageFaultErrorCode?

  private let pdpte: UInt64
  private var pde: UInt64 = 0
  private var pte: UInt64 = 0
  private var pdeAddress: UInt64 = 0
  private var pteAddress: UInt64 = 0
  /// Whether the PDE is the leaf. Addresses can't tell: a directory that maps itself is its own page table.
  private var leafIsDirectoryEntry = false

  /// A walk for `access` to `linear`.
  /// - Parameters:
  ///   - pdpte: the PDPTE register that bits 31-30 of `linear` choose; ignored outside PAE.
  ///   - entry: the PDE that a paging-structure cache holds for `linear`: the walk starts at its PTE.
  public init(
    linear: UInt32, access: PageAccess, control: PagingControl, pdpte: UInt64,
    startingAt entry: CachedDirectoryEntry? = nil
  ) {
    self.linear = linear
    self.access = access
    self.control = control
    self.pdpte = pdpte
    switch control.mode {
    case .off: next = .done
    case .bits32: next = .readPDE
    case .pae: next = .readPDPTE
    }
    if let entry, control.mode != .off {
      pde = entry.value
      pdeAddress = entry.address
      next = .readPTE
    }
  }

  /// The PDE that a paging-structure cache may hold after this walk: one that points to a page table, with A set.
  /// Meaningful once `next` is `.done` and `fault` is nil. SDM vol. 3A, 4.10.3.1.
  var directoryEntry: CachedDirectoryEntry? {
    guard !leafIsDirectoryEntry, pde & EntryBit.accessed != 0 else { return nil }
    return CachedDirectoryEntry(value: pde, address: pdeAddress)
  }

  /// The width of an entry in bytes.
  var entryBytes: UInt8 { control.mode == .pae ? 8 : 4 }

  /// Where the entry lies that the next step reads or writes; nil for the PDPTE register and at the end.
  public var nextAddress: UInt64? {
    switch next {
    case .readPDPTE, .done: nil
    case .readPDE: directoryEntryAddress
    case .updatePDE: pdeAddress
    case .readPTE: tableEntryAddress
    case .updatePTE: pteAddress
    }
  }

  @inline(__always)
  private var directoryEntryAddress: UInt64 {
    control.mode == .pae
      ? pdpte & 0x000f_ffff_ffff_f000 | UInt64(linear >> 21 & 0x1ff) << 3
      : UInt64(control.cr3 & 0xffff_f000 | (linear >> 22) << 2)
  }

  @inline(__always)
  private var tableEntryAddress: UInt64 {
    control.mode == .pae
      ? pde & 0x000f_ffff_ffff_f000 | UInt64(linear >> 12 & 0x1ff) << 3
      : pde & 0xffff_f000 | UInt64(linear >> 12 & 0x3ff) << 2
  }

  /// Whether the PDE just read maps a large page.
  @inline(__always)
  private var isLarge: Bool {
    pde & EntryBit.pageSize != 0 && (control.mode == .pae || control.pageSizeExtensions)
  }

  /// Takes the next step. Must not be called when `next` is `.done`.
  @inline(__always)
  mutating func advance(_ memory: borrowing some WalkMemory) -> Step {
    switch next {
    case .readPDPTE:
      // Reserved bits were checked when the register was loaded.
      if pdpte & EntryBit.present == 0 { return end(.pdpte, nil, pdpte, .notPresent) }
      next = .readPDE
      return Step(level: .pdpte, address: nil, value: pdpte, verdict: .references)

    case .readPDE:
      pdeAddress = directoryEntryAddress
      pde = memory.readEntry(at: pdeAddress, bytes: entryBytes)
      if pde & EntryBit.present == 0 { return end(.pde, pdeAddress, pde, .notPresent) }
      if isLarge {
        pte = pde
        pteAddress = pdeAddress
        leafIsDirectoryEntry = true
        return checkLeaf(.pde, reserved: pde & control.reservedLarge)
      }
      let reserved = pde & control.reservedTable
      if reserved != 0 { return end(.pde, pdeAddress, pde, .reservedBits(reserved)) }
      next = .readPTE
      return Step(level: .pde, address: pdeAddress, value: pde, verdict: .references)

    case .readPTE:
      pteAddress = tableEntryAddress
      pte = memory.readEntry(at: pteAddress, bytes: entryBytes)
      if pte & EntryBit.present == 0 { return end(.pte, pteAddress, pte, .notPresent) }
      return checkLeaf(.pte, reserved: pte & control.reserved4K)

    case .updatePDE:
      memory.setBits(EntryBit.accessed, inEntryAt: pdeAddress, bytes: entryBytes)
      pde |= EntryBit.accessed
      next = missingLeafBits != 0 ? .updatePTE : .done
      return Step(level: .pde, address: pdeAddress, value: pde, verdict: .updated)

    case .updatePTE:
      let bits = missingLeafBits
      memory.setBits(bits, inEntryAt: pteAddress, bytes: entryBytes)
      pte |= bits
      next = .done
      return Step(level: leafLevel, address: pteAddress, value: pte, verdict: .updated)

    case .done:
      preconditionFailure("a finished walk has no next step")
    }
  }

  private var leafLevel: Level { leafIsDirectoryEntry ? .pde : .pte }

  /// A, and for a write D, where the leaf does not have them.
  @inline(__always)
  private var missingLeafBits: UInt64 {
    (EntryBit.accessed | (access.kind == .write ? EntryBit.dirty : 0)) & ~pte
  }

  @inline(__always)
  private var rights: UInt64 { pde & pte }

  @inline(__always)
  private var isNoExecute: Bool { control.noExecute && (pde | pte) & EntryBit.noExecute != 0 }

  @inline(__always)
  private mutating func checkLeaf(_ level: Level, reserved: UInt64) -> Step {
    let address = pteAddress
    if reserved != 0 { return end(level, address, pte, .reservedBits(reserved)) }
    if let right = missingRight { return end(level, address, pte, .forbidden(right)) }
    if level == .pte && pde & EntryBit.accessed == 0 {
      next = .updatePDE
    } else {
      next = missingLeafBits != 0 ? .updatePTE : .done
    }
    return Step(level: level, address: address, value: pte, verdict: .maps)
  }

  @inline(__always)
  private var missingRight: Right? {
    Self.missingRight(
      for: access, isUserPage: rights & EntryBit.user != 0, isWritable: rights & EntryBit.writable != 0,
      isNoExecute: isNoExecute, writeProtect: control.writeProtect)
  }

  /// The right that a page with these properties does not give, nil when it allows `access`. SDM vol. 3A, 4.6.1.
  @inline(__always)
  public static func missingRight(
    for access: PageAccess, isUserPage: Bool, isWritable: Bool, isNoExecute: Bool, writeProtect: Bool
  ) -> Right? {
    if access.isUser && !isUserPage { return .user }
    if access.kind == .write && !isWritable {
      if access.isUser { return .userWrite }
      if writeProtect { return .supervisorWrite }
    }
    return access.kind == .fetch && isNoExecute ? .execute : nil
  }

  private mutating func end(_ level: Level, _ address: UInt64?, _ value: UInt64, _ verdict: Verdict) -> Step {
    next = .done
    var code = Self.errorCode(for: access, control: control)
    switch verdict {
    case .reservedBits: code.formUnion([.present, .reservedBit])
    case .forbidden: code.insert(.present)
    default: break
    }
    fault = code
    return Step(level: level, address: address, value: value, verdict: verdict)
  }

  /// The bits of the error code that describe the access: W/R, U/S, I/D. SDM vol. 3A, figure 4-12.
  static func errorCode(for access: PageAccess, control: PagingControl) -> PageFaultErrorCode {
    var code: PageFaultErrorCode = []
    if access.kind == .write { code.insert(.write) }
    if access.isUser { code.insert(.user) }
    if access.kind == .fetch && control.noExecute { code.insert(.instructionFetch) }
    return code
  }

  /// What the walk found. Meaningful once `next` is `.done` and `fault` is nil.
  public var translation: Translation {
    let large = leafLevel == .pde
    let frame: UInt64
    if control.mode == .pae {
      frame = pte & (large ? 0x000f_ffff_ffe0_0000 : 0x000f_ffff_ffff_f000)
    } else if large {
      // PSE-36: bits 20-13 are address bits 39-32.
      frame = pte & 0xffc0_0000 | (pte >> 13 & 0xff) << 32
    } else {
      frame = pte & 0xffff_f000
    }
    return Translation(
      frame: frame, isLarge: large, isWritable: rights & EntryBit.writable != 0,
      isUser: rights & EntryBit.user != 0, isNoExecute: isNoExecute,
      isGlobal: control.globalPages && pte & EntryBit.global != 0, isDirty: pte & EntryBit.dirty != 0,
      isCacheDisabled: pte & EntryBit.cacheDisable != 0, isWriteThrough: pte & EntryBit.writeThrough != 0,
      leafAddress: pteAddress, directoryEntryAddress: pdeAddress)
  }
}
