# Guest images written in Swift: the mini-kernel's sources, the guest's glue, and the image's own folder in one module,
# compiled as Embedded Swift for i686. A further image is one more name in SWIFT_IMAGES.

SWIFT_IMAGES := minikernel vmalloc-tour vmalloc-bench vmalloc-stress

IMAGE_DIR ?= .build/images

# One line for all of them, when the first is made.
announce = $(if $(announced),,$(eval announced := yes)$(info Building the guest images below $(IMAGE_DIR)))
# clang and ld.lld come from the Swift toolchain; it says itself where it lives, behind whatever shim is on PATH.
ifndef GUEST_SWIFTC
swift_tools := $(shell swiftc -print-target-info | sed -n 's|.*"runtimeResourcePath": "\(.*\)/lib/swift".*|\1/bin|p')
GUEST_SWIFTC := $(swift_tools)/swiftc
GUEST_CLANG ?= $(swift_tools)/clang
GUEST_LD ?= $(swift_tools)/ld.lld
endif

GUEST_GLUE := firmware/guest
GUEST_OBJECTS := $(addprefix $(IMAGE_DIR)/guest/,boot.o trap.o variables.o runtime.o)
# In the order of their names: a file that moves to another room leaves the image's code as it is.
KERNEL_SOURCES := $(shell find Sources/MiniKernel -name '*.swift' | sed 's|.*/|& |' | LC_ALL=C sort -k 2 | tr -d ' ')
GUEST_SWIFT_SOURCES := $(KERNEL_SOURCES) $(wildcard $(GUEST_GLUE)/*.swift)

# Debug paths are relative, so that the same source gives the same file wherever it is built.
# i686 without SSE, MMX and x87: the processor is a P6 and the kernel saves no floating-point state.
GUEST_TARGET := -target i686-unknown-none-elf -march=i686 -fdebug-compilation-dir=.
GUEST_CFLAGS := $(GUEST_TARGET) -Os -g1 -ffreestanding -fno-builtin -fno-stack-protector -fno-omit-frame-pointer \
  -mno-implicit-float -mno-x87 -ffunction-sections -Wall -Wextra -Werror
GUEST_SWIFTFLAGS := -target i686-unknown-none-elf -swift-version 6 -parse-as-library -wmo -Osize -gline-tables-only \
  -debug-prefix-map $(CURDIR)=. -debug-prefix-map $(patsubst %/bin/swiftc,%,$(GUEST_SWIFTC))=swift -file-compilation-dir . \
  -warnings-as-errors -enable-experimental-feature Embedded -enable-experimental-feature Extern \
  -Xfrontend -disable-stack-protector -Xfrontend -function-sections \
  -Xcc -march=i686 -Xcc -mno-implicit-float -I $(GUEST_GLUE)/include -module-name Guest

SWIFT_IMAGE_FILES := $(SWIFT_IMAGES:%=$(IMAGE_DIR)/%.elf)
IMAGES += $(SWIFT_IMAGE_FILES)

.PHONY: swift-images
swift-images: $(SWIFT_IMAGE_FILES)

$(IMAGE_DIR)/guest/%.o: $(GUEST_GLUE)/%.S
	$(announce)@mkdir -p $(@D)
	@$(GUEST_CLANG) $(GUEST_TARGET) -g -c $< -o $@

$(IMAGE_DIR)/guest/%.o: $(GUEST_GLUE)/%.c
	$(announce)@mkdir -p $(@D)
	@$(GUEST_CLANG) $(GUEST_CFLAGS) -c $< -o $@

define swift_image
$(IMAGE_DIR)/guest/$(1).o: $(wildcard images/$(1)/*.swift) $(GUEST_SWIFT_SOURCES) $(wildcard $(GUEST_GLUE)/include/*) \
  images/swift.mk
	$$(announce)@mkdir -p $$(@D)
	@$$(GUEST_SWIFTC) $$(GUEST_SWIFTFLAGS) -c $$(filter %.swift,$$^) -o $$@

$(IMAGE_DIR)/$(1).elf: $(IMAGE_DIR)/guest/$(1).o $(GUEST_OBJECTS) $(GUEST_GLUE)/kernel.ld
	@$$(GUEST_LD) -m elf_i386 -static -nostdlib --gc-sections -T $(GUEST_GLUE)/kernel.ld $$(filter %.o,$$^) -o $$@
endef

$(foreach name,$(SWIFT_IMAGES),$(eval $(call swift_image,$(name))))
