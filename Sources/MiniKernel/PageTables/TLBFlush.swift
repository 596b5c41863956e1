/// What unmapping does about the TLB.
public enum TLBFlushPolicy: UInt32, Sendable {
  /// Flush the range before the frames are given back: the classic behaviour.
  case eager = 0
  /// Do nothing: a test switch that makes the bug visible that the flush prevents.
  case never = 1
  /// Leave it to a purge that flushes once for many areas; until then their linear addresses are not given out.
  /// The frames go back at once, as Linux does it since 2.6.28: who uses a freed area may still reach them.
  case lazy = 2

  /// The policy with this number; others mean `eager`.
  init(number: UInt32) {
    switch number {
    case 1: self = .never
    case 2: self = .lazy
    default: self = .eager
    }
  }
}

extension Kernel {
  /// The most pages that are invalidated one by one; above, dropping the whole TLB is cheaper: the data TLB has 64
  /// entries, so refilling it costs at most 64 walks.
  static var singlePageFlushCeiling: UInt32 { 32 }

  /// When translations that were removed are flushed.
  public var tlbFlushPolicy: TLBFlushPolicy {
    get { TLBFlushPolicy(number: self[word: KernelVariable.tlbFlushPolicy]) }
    nonmutating set { self[word: KernelVariable.tlbFlushPolicy] = newValue.rawValue }
  }

  /// Makes the processor forget every translation of the kernel range `start..<end` (`flush_tlb_kernel_range`).
  /// Needed whenever an entry was removed or changed; a new one needs nothing, because the TLB never holds entries
  /// that are not present.
  public func flushTLBKernelRange(_ start: KernelAddress, _ end: KernelAddress) {
    if tlbFlushPolicy == .never { return }
    let pages = (end - start) >> pageShift
    if pages > Self.singlePageFlushCeiling {
      flushTLBAll()
      return
    }
    for index in 0..<pages { flushTLBOne(start + index << pageShift) }
  }

  /// One page (`__flush_tlb_one`): INVLPG.
  public func flushTLBOne(_ address: KernelAddress) {
    count(KernelVariable.pageFlushes)
    hardware.invalidatePage(address)
  }

  /// Everything, global pages included (`__flush_tlb_all`): a load of CR3 keeps those, a change of CR4.PGE does not.
  public func flushTLBAll() {
    count(KernelVariable.wholeFlushes)
    if features.contains(.globalPages) {
      let cr4 = hardware.readCR4()
      hardware.writeCR4(cr4 & ~controlRegister4PGE)
      hardware.writeCR4(cr4)
    } else {
      hardware.writeCR3(hardware.readCR3())
    }
  }

  /// Called before a vmalloc range is mapped (`flush_cache_vmap`). IA-32 has physically tagged caches: what is cached
  /// under one linear address is right under every other, so there is nothing to write back or drop. Processors with
  /// virtually indexed caches have work to do here; the call marks the place.
  @inline(__always)
  func flushCacheVmap(_ start: KernelAddress, _ end: KernelAddress) {}

  /// Called before a vmalloc range is unmapped (`flush_cache_vunmap`). Nothing to do, for the same reason.
  @inline(__always)
  func flushCacheVunmap(_ start: KernelAddress, _ end: KernelAddress) {}
}

/// CR4.PGE: pages marked global stay in the TLB across loads of CR3. SDM vol. 3A, 2.5.
let controlRegister4PGE: UInt32 = 1 << 7
