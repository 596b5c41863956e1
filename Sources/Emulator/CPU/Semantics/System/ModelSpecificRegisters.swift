import IA32

/// The numbers of the MSRs of this processor. SDM vol. 4, table 2-2.
enum ModelSpecificRegister {
  static let timeStampCounter: UInt32 = 0x10
  static let apicBase: UInt32 = 0x1b
  static let systemEntry: ClosedRange<UInt32> = 0x174...0x176
  static let platform: UInt32 = 0x17
  static let microcodeUpdate: UInt32 = 0x79
  /// IA32_BIOS_SIGN_ID: the microcode update's revision.
  static let updateRevision: UInt32 = 0x8b
  static let pageAttributes: UInt32 = 0x277
  static let miscellaneousEnable: UInt32 = 0x1a0
  /// Fast strings; neither branch trace store nor precise sampling. SDM vol. 4, table 2-44.
  static let miscellaneousEnableAfterReset: UInt64 = 1 | 1 << 11 | 1 << 12
  /// The bits of IA32_MISC_ENABLE that can be changed.
  static let miscellaneousEnableWritable: UInt64 = 0b110_0101_1101
  static let performanceCounters: ClosedRange<UInt32> = 0xc1...0xc2
  static let performanceEventSelects: ClosedRange<UInt32> = 0x186...0x187
}

/// RDMSR, WRMSR, RDTSC. SDM vol. 2B.
extension CPU {
  /// RDMSR.
  /// - Throws: #GP(0) outside ring 0 and for a register that the model lacks.
  func readMSR(_ index: UInt32) throws(GuestFault) -> UInt64 {
    try requireRing0()
    switch index {
    case ModelSpecificRegister.timeStampCounter: return timeStampCounter
    // No update is loaded. SDM vol. 3A, 9.11.7.
    case ModelSpecificRegister.updateRevision: return 0
    case EFER.msr where model.hasNoExecute: return state.pointee.efer
    case ModelSpecificRegister.apicBase:
      guard let localAPIC else { throw .generalProtection() }
      return localAPIC.state.base
    case ModelSpecificRegister.systemEntry where model.features.contains(.fastSystemCalls):
      let entry = state.pointee.systemEntry
      return UInt64(index == 0x174 ? entry.cs : index == 0x175 ? entry.esp : entry.eip)
    case ModelSpecificRegister.performanceCounters:
      return performanceCounter(Int(index - ModelSpecificRegister.performanceCounters.lowerBound))
    case ModelSpecificRegister.performanceEventSelects:
      let number = Int(index - ModelSpecificRegister.performanceEventSelects.lowerBound)
      return UInt64(performance.select(number).rawValue)
    case ModelSpecificRegister.platform: return 0
    case ModelSpecificRegister.pageAttributes where model.features.contains(.pageAttributeTable):
      return state.pointee.pageAttributes
    case ModelSpecificRegister.miscellaneousEnable where model.isPentium4:
      return state.pointee.miscellaneousEnable
    default:
      guard let value = otherMSR(index) else { throw .generalProtection() }
      return value
    }
  }

  /// WRMSR.
  /// - Throws: #GP(0) outside ring 0, for a register that the model lacks and for reserved bits.
  func writeMSR(_ index: UInt32, _ value: UInt64) throws(GuestFault) {
    try requireRing0()
    switch index {
    case ModelSpecificRegister.timeStampCounter:
      // The P6 takes the low half and clears the upper one. SDM vol. 3B, 17.17.
      state.pointee.timeStampOffset = (value & 0xffff_ffff) &- clock.now
    // Software clears it before CPUID puts the revision there.
    case ModelSpecificRegister.updateRevision: break
    case EFER.msr where model.hasNoExecute:
      guard value & ~EFER.noExecuteEnable == 0 else { throw .generalProtection() }
      mmu.setEFER(value)
    case ModelSpecificRegister.apicBase:
      let reach = (UInt64(1) << UInt64(model.addressWidth)) - 1
      let known = reach & ~0xfff | 0x900
      guard let localAPIC, value & ~known == 0 else { throw .generalProtection() }
      localAPIC.setBase(value)
    case ModelSpecificRegister.systemEntry where model.features.contains(.fastSystemCalls):
      let half = UInt32(truncatingIfNeeded: value)
      switch index {
      case 0x174: state.pointee.systemEntry.cs = half
      case 0x175: state.pointee.systemEntry.esp = half
      default: state.pointee.systemEntry.eip = half
      }
    case ModelSpecificRegister.performanceCounters:
      setPerformanceCounter(Int(index - ModelSpecificRegister.performanceCounters.lowerBound), value)
    case ModelSpecificRegister.performanceEventSelects:
      try setPerformanceEventSelect(
        Int(index - ModelSpecificRegister.performanceEventSelects.lowerBound), value)
    // A trigger: no update is for this processor, which stays as it is.
    case ModelSpecificRegister.microcodeUpdate: break
    case ModelSpecificRegister.pageAttributes where model.features.contains(.pageAttributeTable):
      guard MemoryTypeRegisters.areTypes(value, of: [0, 1, 4, 5, 6, 7]) else { throw .generalProtection() }
      state.pointee.pageAttributes = value
    case ModelSpecificRegister.miscellaneousEnable where model.isPentium4:
      let changed = value ^ state.pointee.miscellaneousEnable
      guard changed & ~ModelSpecificRegister.miscellaneousEnableWritable == 0 else {
        throw .generalProtection()
      }
      state.pointee.miscellaneousEnable = value
    default:
      guard setOtherMSR(index, value) else { throw .generalProtection() }
    }
  }

  /// Registers of memory types and machine checks; nil where the model has none of that number.
  private func otherMSR(_ index: UInt32) -> UInt64? {
    if model.features.contains(.memoryTypeRanges), let value = state.pointee.memoryTypes.read(index) {
      return value
    }
    guard model.features.contains(.machineCheckArchitecture) else { return nil }
    return state.pointee.machineChecks.read(index, banks: model.machineCheckBanks)
  }

  private func setOtherMSR(_ index: UInt32, _ value: UInt64) -> Bool {
    if model.features.contains(.memoryTypeRanges),
      state.pointee.memoryTypes.write(index, value, addressWidth: model.addressWidth)
    {
      return true
    }
    return model.features.contains(.machineCheckArchitecture)
      && state.pointee.machineChecks.write(index, value, banks: model.machineCheckBanks)
  }

  /// RDTSC.
  /// - Throws: #GP(0) outside ring 0 under CR4.TSD.
  func readTimeStampCounter() throws(GuestFault) -> UInt64 {
    if state.pointee.cr4.contains(.timeStampDisable) { try requireRing0() }
    return timeStampCounter
  }

  private var timeStampCounter: UInt64 { clock.now &+ state.pointee.timeStampOffset }
}
