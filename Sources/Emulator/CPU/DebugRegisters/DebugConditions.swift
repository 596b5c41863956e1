import IA32

/// The bits of DR6 and DR7. SDM vol. 3B, 17.2.3, 17.2.4.
enum DebugRegisterBits {
  /// DR6.BD: the next instruction wanted a debug register while GD was set.
  static let generalDetect: UInt32 = 1 << 13
  /// DR6.BS: a single step.
  static let singleStep: UInt32 = 1 << 14
  /// DR6.BT: a task switch to a TSS with T.
  static let taskSwitch: UInt32 = 1 << 15
  /// DR7.GD.
  static let generalDetectEnable: UInt32 = 1 << 13
  /// DR7: L0 to L3 and LE, which are a task's own.
  static let localEnables: UInt32 = 0x155
  /// DR6: B0-B3, BD, BS and BT can change; the rest is fixed.
  static let writableStatus: UInt32 = 0xe00f
  static let fixedStatus: UInt32 = 0xffff_0ff0
  /// DR7: all but bits 11, 12, 14, 15 (zero) and 10 (one).
  static let writableControl: UInt32 = 0xffff_23ff
  static let fixedControl: UInt32 = 0x400
}

/// What DR0 to DR3 wait for, by what DR7 and CR4.DE say of them. SDM vol. 3B, 17.2.4, 17.2.5.
struct DebugConditions: Equatable {
  /// A breakpoint on an instruction.
  struct InstructionBreakpoint: Equatable {
    var linear: UInt32
    /// Its bit in DR6.
    var bit: UInt32
  }

  /// A breakpoint on ports, first and last.
  struct PortBreakpoint: Equatable {
    var first: UInt32
    var last: UInt32
    var bit: UInt32
  }

  var instructions: [InstructionBreakpoint] = []
  var data = DataBreakpoints()
  var ports: [PortBreakpoint] = []

  /// None.
  init() {}

  init(of state: UnsafeMutablePointer<CPUState>) {
    let control = state.pointee.dr7
    let addresses = state.pointee.debugAddresses
    for (number, address) in [addresses.0, addresses.1, addresses.2, addresses.3].enumerated() {
      let shift = UInt32(number)
      guard control >> (2 * shift) & 3 != 0 else { continue }
      let kind = control >> (16 + 4 * shift) & 3
      // Length 2 is undefined on a P6; it takes eight bytes as on later processors.
      let bytes: UInt32 = [1, 2, 8, 4][Int(control >> (18 + 4 * shift) & 3)]
      let first = address & ~(bytes - 1)
      let last = first &+ (bytes - 1)
      let bit: UInt32 = 1 << shift
      switch kind {
      case 0: instructions.append(InstructionBreakpoint(linear: address, bit: bit))
      case 2:
        guard state.pointee.cr4.contains(.debuggingExtensions) else { continue }
        ports.append(PortBreakpoint(first: first, last: last, bit: bit))
      default:
        data.conditions.append(
          DataBreakpoints.Condition(first: first, last: last, includesReads: kind == 3, bit: bit))
      }
    }
  }

  /// DR6's bits for an instruction about to execute; 0 for none.
  func instructionHits(_ linear: UInt32) -> UInt32 {
    instructions.reduce(0) { $1.linear == linear ? $0 | $1.bit : $0 }
  }

  /// DR6's bits for an access to ports.
  func portHits(_ port: UInt16, bytes: UInt32) -> UInt32 {
    let first = UInt32(port)
    let last = first + bytes - 1
    return ports.reduce(0) { $1.first <= last && first <= $1.last ? $0 | $1.bit : $0 }
  }
}
