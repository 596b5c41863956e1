/// A structure in kernel memory: an address, and fields at the offsets of `Layout.swift`, each access a load or
/// store of the hardware.
public protocol KernelStructure {
  associatedtype HW: Hardware
  var hardware: HW { get }
  var address: KernelAddress { get }
}

extension KernelStructure {
  /// The 32-bit field at `offset`.
  @inline(__always)
  public subscript(word offset: UInt32) -> UInt32 {
    get { hardware.load32(address + offset) }
    nonmutating set { hardware.store32(address + offset, newValue) }
  }

  /// The 64-bit field at `offset`.
  @inline(__always)
  public subscript(doubleword offset: UInt32) -> UInt64 {
    get { hardware.load64(address + offset) }
    nonmutating set { hardware.store64(address + offset, newValue) }
  }
}

/// A link of a circular doubly linked list, and the list's head, which is a link too (`struct list_head`): the
/// address of the next at offset 0, of the previous at 4.
public struct ListHead<HW: Hardware>: KernelStructure {
  /// What executes the loads and stores.
  public let hardware: HW
  /// The address of the link.
  public let address: KernelAddress

  /// The link at `address`; nothing is stored.
  public init(_ hardware: HW, at address: KernelAddress) {
    self.hardware = hardware
    self.address = address
  }

  /// The address of the next link.
  public var next: KernelAddress {
    get { KernelAddress(self[word: 0]) }
    nonmutating set { self[word: 0] = newValue.rawValue }
  }

  /// The address of the previous link.
  public var previous: KernelAddress {
    get { KernelAddress(self[word: 4]) }
    nonmutating set { self[word: 4] = newValue.rawValue }
  }

  /// Makes this the head of an empty list (`INIT_LIST_HEAD`).
  public func makeEmpty() {
    next = address
    previous = address
  }

  /// Whether the list has no link but its head.
  public var isEmpty: Bool { next == address }

  /// Puts `link` first in the list of which this is the head (`list_add`).
  public func insertFirst(_ link: ListHead) {
    let second = ListHead(hardware, at: next)
    link.next = second.address
    link.previous = address
    second.previous = link.address
    next = link.address
  }

  /// Puts `link` last in the list of which this is the head (`list_add_tail`).
  public func insertLast(_ link: ListHead) {
    let last = ListHead(hardware, at: previous)
    link.next = address
    link.previous = last.address
    last.next = link.address
    previous = link.address
  }

  /// Takes this link out of its list (`list_del`). Its own two words are cleared, so that a stale one faults.
  public func remove() {
    let after = next
    let before = previous
    ListHead(hardware, at: before).next = after
    ListHead(hardware, at: after).previous = before
    next = .null
    previous = .null
  }
}
