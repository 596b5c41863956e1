import IA32

/// What can be observed of a run: a set with room for 64 kinds. The order of the bits is part of the trace format.
public struct EventKinds: OptionSet, Hashable, Sendable {
  /// A bit for each kind.
  public let rawValue: UInt64

  /// The kinds with these bits; bits of no kind are kept and mean nothing.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// An instruction begins.
  public static let instruction = EventKinds(rawValue: 1 << 0)
  /// A load or store, by linear address.
  public static let access = EventKinds(rawValue: 1 << 1)
  /// A page walk.
  public static let walk = EventKinds(rawValue: 1 << 2)
  /// A TLB array takes a translation.
  public static let tlbFill = EventKinds(rawValue: 1 << 3)
  /// A TLB array gives up a translation to make room for another.
  public static let tlbEvict = EventKinds(rawValue: 1 << 4)
  /// Translations are invalidated: INVLPG, MOV to CR3, CR0 or CR4.
  public static let flush = EventKinds(rawValue: 1 << 5)
  /// A store, the walker's included, to a page in which the walker has read an entry since the observation began, or to the
  /// page-directory-pointer table that CR3 names.
  public static let pteStore = EventKinds(rawValue: 1 << 6)
  /// An exception is raised.
  public static let fault = EventKinds(rawValue: 1 << 7)
  /// An external or software interrupt is taken.
  public static let interrupt = EventKinds(rawValue: 1 << 8)
  /// A memory-mapped device is read or written.
  public static let mmio = EventKinds(rawValue: 1 << 9)
  /// A port is read or written.
  public static let port = EventKinds(rawValue: 1 << 10)
  /// CR3 or TR gets another value: another address space, another task.
  public static let task = EventKinds(rawValue: 1 << 11)
  /// CR0, CR4 or EFER gets another value, or CPL changes between user and supervisor.
  public static let mode = EventKinds(rawValue: 1 << 12)
  /// The guest sends a byte to the serial port or to the debug console.
  public static let console = EventKinds(rawValue: 1 << 13)

  /// Every kind.
  public static let all = EventKinds(rawValue: 1 << 14 - 1)
}

/// When and where something happened. Exact in the middle of a block, too.
public struct EventMoment: Hashable, Codable, Sendable {
  /// The processor that did it, from 0. What a device does counts for the processor whose time it happens in.
  public var processor: UInt8
  /// Cycles on the machine's clock.
  public var cycle: UInt64
  /// Instructions that this processor has completed before: each iteration of a repeated string instruction is one.
  public var instruction: UInt64
  /// EIP of the instruction that is being fetched or executed, or that an interrupt or exception comes at.
  public var eip: UInt32
  /// Its linear address: the base of CS and EIP.
  public var linear: UInt32

  /// A moment; of processor 0 unless another is named.
  public init(processor: UInt8 = 0, cycle: UInt64, instruction: UInt64, eip: UInt32, linear: UInt32) {
    self.processor = processor
    self.cycle = cycle
    self.instruction = instruction
    self.eip = eip
    self.linear = linear
  }
}

/// Something that the machine did.
public enum MachineEvent: Hashable, Sendable {
  case instruction(InstructionEvent)
  case access(AccessEvent)
  case walk(WalkEvent)
  case tlbFill(TLBEvent)
  case tlbEvict(TLBEvent)
  case flush(FlushEvent)
  case pteStore(EntryStoreEvent)
  case fault(FaultEvent)
  case interrupt(InterruptEvent)
  case mmio(BusEvent)
  case port(BusEvent)
  case task(TaskEvent)
  case mode(ModeEvent)
  case console(ConsoleEvent)

  /// The one kind that it is of.
  public var kind: EventKinds {
    switch self {
    case .instruction: .instruction
    case .access: .access
    case .walk: .walk
    case .tlbFill: .tlbFill
    case .tlbEvict: .tlbEvict
    case .flush: .flush
    case .pteStore: .pteStore
    case .fault: .fault
    case .interrupt: .interrupt
    case .mmio: .mmio
    case .port: .port
    case .task: .task
    case .mode: .mode
    case .console: .console
    }
  }
}

/// An instruction that is about to execute; its moment says where.
public struct InstructionEvent: Hashable, Sendable {
  /// Bytes.
  public var length: UInt8
  /// CPL.
  public var privilegeLevel: UInt8

  /// An instruction of `length` bytes at CPL `privilegeLevel`.
  public init(length: UInt8, privilegeLevel: UInt8) {
    self.length = length
    self.privilegeLevel = privilegeLevel
  }
}

/// A load or store whose translation and rights have been checked. One that crosses pages is two; a read-modify-write is one
/// write.
public struct AccessEvent: Hashable, Sendable {
  /// Linear address of the first byte.
  public var linear: UInt32
  /// Physical address of the first byte.
  public var physical: UInt64
  /// How many bytes, 1 to 8.
  public var bytes: UInt8
  /// With the rights of user mode.
  public var access: PageAccess

  /// An access of 1 to 8 bytes within one page.
  public init(linear: UInt32, physical: UInt64, bytes: UInt8, access: PageAccess) {
    self.linear = linear
    self.physical = physical
    self.bytes = bytes
    self.access = access
  }
}

/// A page walk, from its first entry to the translation or the fault.
public struct WalkEvent: Hashable, Sendable {
  /// A paging-structure entry as the walk read it.
  public struct Entry: Hashable, Sendable {
    /// Physical address.
    public var address: UInt64
    /// The whole entry: 8 bytes under PAE, 4 in 32-bit paging.
    public var value: UInt64

    /// `value` as read at physical address `address`.
    public init(address: UInt64, value: UInt64) {
      self.address = address
      self.value = value
    }
  }

  /// What it was for.
  public var linear: UInt32
  /// What the walk was for, and with whose rights.
  public var access: PageAccess
  /// The PDPTE register; nil outside PAE and where the walk began at a cached PDE.
  public var pdpte: UInt64?
  /// The PDE that was read; nil where the walk ended at the PDPTE or began at a cached PDE.
  public var pde: Entry?
  /// The PTE that was read; nil for a large page, or where the walk ended above.
  public var pte: Entry?
  /// The walk set A in the PDE above the leaf.
  public var updatedDirectory = false
  /// The walk set A, or A and D, in the leaf.
  public var updatedLeaf = false
  /// The page fault that the walk ended in.
  public var fault: PageFaultErrorCode?
  /// The physical address of the page found; nil after a fault.
  public var frame: UInt64?
  /// A 2 MiB or 4 MiB page was found.
  public var isLarge = false
  /// What it took, the overhead included.
  public var cycles: UInt64 = 0

  /// A walk that has read nothing yet.
  public init(linear: UInt32, access: PageAccess) {
    self.linear = linear
    self.access = access
  }
}

/// An array of the TLB.
public enum TLBArrayName: String, CaseIterable, Codable, Sendable {
  case instruction4K = "ITLB 4K"
  case instructionLarge = "ITLB large"
  case data4K = "DTLB 4K"
  case dataLarge = "DTLB large"
}

/// A translation that a TLB array takes or gives up.
public struct TLBEvent: Hashable, Sendable {
  /// Which array.
  public var array: TLBArrayName
  /// The entry's set, from 0.
  public var set: UInt8
  /// Its way in the set, from 0.
  public var way: UInt8
  /// The first linear address of the page.
  public var linear: UInt32
  /// The page's physical address.
  public var frame: UInt64
  /// R/W of all levels.
  public var isWritable: Bool
  /// U/S of all levels.
  public var isUser: Bool
  /// G of the leaf, with CR4.PGE.
  public var isGlobal: Bool
  /// XD of any level.
  public var isNoExecute: Bool
  /// D of the leaf.
  public var isDirty: Bool

  /// An entry of `array`, for the page at `linear`.
  public init(
    array: TLBArrayName, set: UInt8, way: UInt8, linear: UInt32, frame: UInt64, isWritable: Bool,
    isUser: Bool,
    isGlobal: Bool, isNoExecute: Bool, isDirty: Bool
  ) {
    self.array = array
    self.set = set
    self.way = way
    self.linear = linear
    self.frame = frame
    self.isWritable = isWritable
    self.isUser = isUser
    self.isGlobal = isGlobal
    self.isNoExecute = isNoExecute
    self.isDirty = isDirty
  }
}

/// An invalidation of translations.
public enum FlushEvent: Hashable, Sendable {
  /// INVLPG with this linear address.
  case page(UInt32)
  /// MOV to CR3 with this value: global translations stay if `keepsGlobal`.
  case cr3(UInt32, keepsGlobal: Bool)
  /// A change of CR0 or CR4 that removes everything.
  case everything
}

/// A store to a page that holds paging-structure entries.
public struct EntryStoreEvent: Hashable, Sendable {
  /// Physical address of the entry: a multiple of 8 under PAE, of 4 in 32-bit paging.
  public var address: UInt64
  /// The whole entry, before and after.
  public var old: UInt64
  /// The value after; see `old`.
  public var new: UInt64
  /// Who made the store.
  public var writer: StoreWriter
  /// The linear address that the instruction stored to; the one that was walked for, where the walker wrote.
  public var linear: UInt32

  /// A store that changed the entry at `address` from `old` to `new`.
  public init(address: UInt64, old: UInt64, new: UInt64, writer: StoreWriter, linear: UInt32) {
    self.address = address
    self.old = old
    self.new = new
    self.writer = writer
    self.linear = linear
  }
}

/// Who made a store.
public enum StoreWriter: UInt8, Hashable, Sendable, CaseIterable {
  /// An instruction, or the delivery of an interrupt.
  case instruction
  /// The page walker, setting A or D.
  case walker
  /// A device, by its `DMAPort`.
  case device
  /// A person or a tool outside the machine: `MachineInput.memory`.
  case outside

  /// One word for reports and JSON: `instruction`, `walker`, `device`, `outside`.
  public var name: String { "\(self)" }
}

/// An exception, at the moment it is raised.
public struct FaultEvent: Hashable, Sendable {
  /// The vector, 0 to 255.
  public var vector: UInt8
  /// 0 for vectors without one.
  public var errorCode: UInt32
  /// CR2 after a page fault; 0 for others.
  public var linear: UInt32

  /// An exception with its error code and, for #PF, CR2.
  public init(vector: UInt8, errorCode: UInt32, linear: UInt32) {
    self.vector = vector
    self.errorCode = errorCode
    self.linear = linear
  }
}

/// An interrupt, at the moment it is taken.
public struct InterruptEvent: Hashable, Sendable {
  /// The vector, 0 to 255.
  public var vector: UInt8
  /// INT n, INT3, INTO or INT1.
  public var isSoftware: Bool

  /// An interrupt with this vector.
  public init(vector: UInt8, isSoftware: Bool) {
    self.vector = vector
    self.isSoftware = isSoftware
  }
}

/// An access to a device.
public struct BusEvent: Hashable, Sendable {
  /// Physical address, or port.
  public var address: UInt64
  /// How many bytes, 1 to 8.
  public var bytes: UInt8
  /// A write, or OUT.
  public var isWrite: Bool
  /// What was read or written, in the low `bytes` bytes.
  public var value: UInt64

  /// An access of 1 to 8 bytes (to ports, 4 at most).
  public init(address: UInt64, bytes: UInt8, isWrite: Bool, value: UInt64) {
    self.address = address
    self.bytes = bytes
    self.isWrite = isWrite
    self.value = value
  }
}

/// Another address space or another task.
public enum TaskEvent: Hashable, Sendable {
  /// CR3 got another value.
  case addressSpace(old: UInt32, new: UInt32)
  /// LTR with this selector.
  case taskRegister(UInt16)
}

/// A change of a register that decides how the processor works.
public struct ModeEvent: Hashable, Sendable {
  /// What changed. The raw values are part of the trace format.
  public enum Register: UInt8, Hashable, Sendable, CaseIterable {
    case cr0
    case cr4
    case efer
    /// The current privilege level; changes between user (3) and supervisor only.
    case cpl
  }

  /// What changed.
  public var register: Register
  /// The value before.
  public var old: UInt64
  /// The value after; see `old`.
  public var new: UInt64

  /// A change of `register` from `old` to `new`.
  public init(register: Register, old: UInt64, new: UInt64) {
    self.register = register
    self.old = old
    self.new = new
  }
}

/// A byte that the guest sends.
public struct ConsoleEvent: Hashable, Sendable {
  /// Where a byte was sent. The raw values are part of the trace format.
  public enum Port: UInt8, Hashable, Sendable, CaseIterable {
    /// The serial port has sent the byte: some time after the guest gave it.
    case serial
    /// Port E9h.
    case debug
  }

  /// Where it was sent.
  public var port: Port
  /// The byte.
  public var byte: UInt8

  /// `byte`, sent to `port`.
  public init(port: Port, byte: UInt8) {
    self.port = port
    self.byte = byte
  }
}
