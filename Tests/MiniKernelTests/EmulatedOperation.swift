import MiniKernel
import TestSupport

/// One call that the model test makes, or a few that belong together. The numbers choose among what there is at the moment
/// the operation runs, so that a sequence still means something when others are taken out of it.
enum Operation: Hashable, Sendable {
  case vmalloc(bytes: UInt32)
  case vmalloc32(bytes: UInt32)
  /// vfree of one of the areas.
  case vfree(UInt32)
  /// A view of `count` pages of one of the areas of vmalloc.
  case vmap(UInt32, count: UInt32)
  case vunmap(UInt32)
  case ioremap(page: UInt32, bytes: UInt32, noCache: Bool)
  case iounmap(UInt32)
  /// Writes a new pattern through one of the areas or views.
  case write(UInt32)
  /// Compares one of the areas, by linear and by physical address, and probes its guard page.
  case check(UInt32)
  case createProcess
  case switchProcess(UInt32)
  case destroyProcess(UInt32)
  case mapUserPage(UInt32, page: UInt32)
  /// kmap and kunmap of a page of an area.
  case kmap(UInt32)
  /// Takes pages until none is left, tries what must fail, and gives them back.
  case exhaust
  /// Takes single pages, keeps every second, and gives the kept of an earlier time back.
  case fragment(UInt32)
  /// One of the calls that the kernel must refuse.
  case badCall(UInt32)
  case releaseEmptyTables
  case purge
  /// Only for tests of the test: makes the kernel forget the TLB.
  case breakFlush

  static func random(_ random: inout SeededGenerator) -> Operation {
    let pick = UInt32(truncatingIfNeeded: random.next() >> 32)
    switch random.below(100) {
    case 0..<20: return .vmalloc(bytes: bytes(&random))
    case 20..<25: return .vmalloc32(bytes: bytes(&random))
    case 25..<45: return .vfree(pick)
    case 45..<51: return .vmap(pick, count: 1 + random.below(8))
    case 51..<57: return .vunmap(pick)
    case 57..<60:
      return .ioremap(
        page: random.below(1 << 12), bytes: 1 + random.below(5 * pageSize), noCache: random.below(2) == 0)
    case 60..<63: return .iounmap(pick)
    case 63..<70: return .write(pick)
    case 70..<84: return .check(pick)
    case 84..<85: return .createProcess
    case 85..<89: return .switchProcess(pick)
    case 89..<90: return .destroyProcess(pick)
    case 90..<91: return .mapUserPage(pick, page: random.below(1 << 18))
    case 91..<93: return .kmap(pick)
    case 93..<94: return random.below(40) == 0 ? .exhaust : .check(pick)
    case 94..<95: return .fragment(random.below(200))
    case 95..<98: return .badCall(pick)
    case 98..<99: return .purge
    default: return random.below(20) == 0 ? .releaseEmptyTables : .check(pick)
    }
  }

  /// Mostly a few pages; some areas are so large that their page array is vmalloc'ed itself.
  private static func bytes(_ random: inout SeededGenerator) -> UInt32 {
    let pages =
      random.below(150) == 0 ? 1025 + random.below(300) : 1 + random.below(random.below(6) == 0 ? 30 : 5)
    return pages * pageSize - random.below(pageSize)
  }
}
