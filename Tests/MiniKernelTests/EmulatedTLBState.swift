import Emulator

/// What all TLB arrays hold, and in which order of use.
struct TLBState: Equatable {
  private var lines: [String]

  init(_ machine: Machine) {
    lines = TLBArrayName.allCases.flatMap { array in
      machine.tlb(array).map {
        "\(array.rawValue) \($0.set) \($0.way) \($0.rank) \($0.entry.page) \($0.entry.translation)"
      }
    }
  }
}
