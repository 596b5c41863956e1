import IA32

/// A segment register with the part that software can't see: what the last load took from the descriptor.
/// SDM vol. 3A, 3.4.3.
struct SegmentCache: Codable {
  var selector: UInt16 = 0
  /// The descriptor's access byte (type, S, DPL, P); 0 after a null selector was loaded.
  var access: UInt8 = 0
  /// D/B.
  var is32Bit = false
  var base: UInt32 = 0
  /// The highest offset in bytes.
  var limit: UInt32 = 0

  /// Whether a segment is loaded at all; a null selector leaves none.
  var isUsable: Bool { access & 0x80 != 0 }
  var isCode: Bool { access & 0x18 == 0x18 }
  var isConformingCode: Bool { access & 0x1c == 0x1c }
  var isReadable: Bool { access & 0x18 == 0x10 || access & 0x1a == 0x1a }
  var isWritable: Bool { access & 0x1a == 0x12 }
  var isExpandDown: Bool { access & 0x1c == 0x14 }
  var privilegeLevel: UInt8 { access >> 5 & 3 }

  /// Base 0, 4 GiB, readable and writable, not expand-down: every access passes unchecked.
  var isFlatData: Bool { base == 0 && limit == .max && isUsable && isWritable && !isExpandDown }
  var isFlatCode: Bool { base == 0 && limit == .max && isUsable }

  init() {}

  /// What loading `descriptor` through `selector` caches.
  init(_ selector: UInt16, _ descriptor: Descriptor) {
    self.selector = selector
    access = descriptor.access
    is32Bit = descriptor.is32Bit
    base = descriptor.base
    limit = descriptor.limit
  }

  /// A real-mode segment: base is 16 times the selector, and the limit stays what it was. SDM vol. 3B, 20.1.1.
  init(realMode selector: UInt16, limit: UInt32 = 0xffff, is32Bit: Bool = false, isCode: Bool = false) {
    self.selector = selector
    access = isCode ? 0x9b : 0x93
    self.is32Bit = is32Bit
    base = UInt32(selector) << 4
    self.limit = limit
  }

  /// A segment of 4 GiB that no descriptor describes: SYSENTER's and SYSEXIT's.
  init(flat selector: UInt16, access: UInt8) {
    self.selector = selector
    self.access = access
    is32Bit = true
    limit = .max
  }

  /// A segment of V86 mode: 64 KiB at 16 times the selector, in ring 3. SDM vol. 3B, 20.2.
  init(virtual8086 selector: UInt16, isCode: Bool = false) {
    self.init(realMode: selector, isCode: isCode)
    access |= 3 << 5
  }
}

/// GDTR or IDTR. SDM vol. 3A, 2.4.
struct DescriptorTableRegister: Codable {
  var base: UInt32 = 0
  var limit: UInt16 = 0xffff
}

/// All that a P6 CPU holds between two instructions, but for its general registers, its TLBs and the clock.
///
/// EFLAGS is kept in three pieces: the result and the carries of the last arithmetic instruction (see
/// `LazyFlags`), and everything else in `systemFlags`.
struct CPUState {
  var eip: UInt32 = 0
  var flags = LazyFlags()
  /// EFLAGS without the six arithmetic flags; bit 1 is always set.
  var systemFlags = EFLAGS.alwaysOne.rawValue
  /// CPL, 0 to 3.
  var privilegeLevel: UInt8 = 0
  /// HLT was executed and no interrupt has come since.
  var isHalted = false
  /// STI or a load of SS came last: no interrupt is taken before the next instruction has completed.
  /// SDM vol. 3A, 6.8.3.
  var inhibitsInterrupts = false
  /// A load of SS came last: no single-step trap is taken before the next instruction has completed either.
  var inhibitsTraps = false
  /// An NMI handler runs; the next IRET lets NMIs in again. SDM vol. 3A, 6.7.1.
  var blocksNMI = false

  /// ES, CS, SS, DS, FS, GS.
  var es = SegmentCache()
  var cs = SegmentCache()
  var ss = SegmentCache()
  var ds = SegmentCache()
  var fs = SegmentCache()
  var gs = SegmentCache()
  var ldtr = SegmentCache()
  var tr = SegmentCache()
  var gdtr = DescriptorTableRegister()
  var idtr = DescriptorTableRegister()

  var cr0 = CR0.extensionType
  var cr2: UInt32 = 0
  var cr3: UInt32 = 0
  var cr4 = CR4()
  var efer: UInt64 = 0
  /// The four PDPTE registers, as they were when they were last loaded. SDM vol. 3A, 4.4.1.
  var pdpte: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  /// DR0-DR3, DR6, DR7.
  var debugAddresses: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  var dr6: UInt32 = 0xffff_0ff0
  var dr7: UInt32 = 0x400
  /// What DR6 takes with the debug trap that comes before the next instruction; 0 for none.
  var pendingDebug: UInt32 = 0
  /// RF was set when the next instruction was reached: it meets no instruction breakpoint.
  var passesBreakpoint = false
  /// The floating-point unit.
  var x87 = X87State()
  /// XMM0 to XMM7 and MXCSR.
  var sse = SSEState()
  /// Where SYSENTER goes.
  var systemEntry = SystemEntry()
  /// An NMI has come and waits to be taken.
  var hasPendingNMI = false
  /// Memory types and machine checks, where the model has them.
  var memoryTypes = MemoryTypeRegisters(addressWidth: 36)
  var machineChecks = MachineCheckRegisters()
  /// IA32_PAT as after RESET#. SDM vol. 3A, 11.12.4.
  var pageAttributes: UInt64 = 0x0007_0406_0007_0406
  /// IA32_MISC_ENABLE, where the model has it.
  var miscellaneousEnable: UInt64 = 0
  /// What the time-stamp counter is ahead of the clock: 0 until software writes the counter.
  var timeStampOffset: UInt64 = 0

  var isProtected: Bool { cr0.contains(.protectionEnable) }
  /// V86 mode: EFLAGS.VM in protected mode.
  var isVirtual8086: Bool { systemFlags & EFLAGS.virtual8086.rawValue != 0 }
  /// Segment registers hold paragraph numbers: real mode or V86 mode.
  var usesRealModeSegments: Bool { !isProtected || isVirtual8086 }
  /// Misaligned accesses of programs raise #AC. SDM vol. 3A, 6.15, interrupt 17.
  var checksAlignment: Bool {
    privilegeLevel == 3 && cr0.contains(.alignmentMask)
      && systemFlags & EFLAGS.alignmentCheck.rawValue != 0
  }
  var ioPrivilegeLevel: UInt8 { UInt8(truncatingIfNeeded: systemFlags >> 12 & 3) }

  /// The segment register with this number in an encoding (0 to 5).
  subscript(segment: SegmentRegister) -> SegmentCache {
    get {
      switch segment {
      case .es: es
      case .cs: cs
      case .ss: ss
      case .ds: ds
      case .fs: fs
      case .gs: gs
      }
    }
    set {
      switch segment {
      case .es: es = newValue
      case .cs: cs = newValue
      case .ss: ss = newValue
      case .ds: ds = newValue
      case .fs: fs = newValue
      case .gs: gs = newValue
      }
    }
  }

  /// EFLAGS put together.
  var eflags: UInt32 {
    get { systemFlags | flags.arithmeticFlags }
    set {
      flags = LazyFlags(arithmeticFlags: newValue)
      systemFlags = newValue & ~EFLAGS.arithmetic.rawValue | EFLAGS.alwaysOne.rawValue
    }
  }
}
