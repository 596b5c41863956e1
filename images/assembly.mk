# Guest images written in assembly and freestanding C. Included by the top Makefile; works alone too:
#
#   make -f images/assembly.mk
#
# A new image is one line more at "The images".

IMAGE_DIR ?= .build/images

# One line for all of them, when the first is made.
announce = $(if $(announced),,$(eval announced := yes)$(info Building the guest images below $(IMAGE_DIR)))

# clang and ld.lld come from the Swift toolchain; it says itself where it lives, behind whatever shim is on PATH.
ifndef GUEST_CLANG
guest_tools := $(shell swiftc -print-target-info | sed -n 's|.*"runtimeResourcePath": "\(.*\)/lib/swift".*|\1/bin/|p')
GUEST_CLANG := $(guest_tools)clang
GUEST_LD ?= $(guest_tools)ld.lld
endif
GUEST_LD ?= $(dir $(GUEST_CLANG))ld.lld

# A Pentium Pro without its x87: what a freshly started machine can run. Debug paths are relative, so that the same
# source gives the same file wherever it is built.
bare_flags := -target i686-unknown-none-elf -march=i686 -g -fdebug-compilation-dir=. -Iimages/common -MMD -MP
bare_c_flags := -std=c17 -O2 -Wall -Wextra -Wno-missing-field-initializers -Werror -ffreestanding -fno-builtin -fno-pic -fno-stack-protector \
  -fno-omit-frame-pointer -mno-sse -mno-mmx -mno-implicit-float
bare_ld_flags := -m elf_i386 -static -nostdlib -z max-page-size=4096 -z noexecstack --build-id=none
bare_objects := $(IMAGE_DIR)/objects
bare_images :=

# What every C guest is linked with.
bare_common := $(addprefix images/common/,start.S exceptions.S exceptions.c console.c memory.c)

# $(call bare_image,NAME,SOURCES): .build/images/NAME.elf is made of SOURCES.
define bare_image
bare_images += $(IMAGE_DIR)/$(1).elf
$(IMAGE_DIR)/$(1).elf: $(patsubst %,$(bare_objects)/%.o,$(2)) images/common/flat.ld
	$$(announce)@mkdir -p $$(@D)
	@$$(GUEST_LD) $$(bare_ld_flags) -T images/common/flat.ld $$(filter %.o,$$^) -o $$@
-include $(patsubst %,$(bare_objects)/%.d,$(2))
endef

# Alone, this file makes every image; included, it leaves the default goal to the Makefile.
ifeq ($(firstword $(MAKEFILE_LIST)),images/assembly.mk)
.DEFAULT_GOAL := bare-images
endif

# The images ----------------------------------------------------------------------------------------------------

$(eval $(call bare_image,hello,images/hello/hello.S))
$(eval $(call bare_image,paging-tour,$(bare_common) $(wildcard images/paging-tour/*.S images/paging-tour/*.c)))
$(eval $(call bare_image,fpu-tour,$(bare_common) $(wildcard images/fpu-tour/*.S images/fpu-tour/*.c)))
$(eval $(call bare_image,stale,$(bare_common) $(wildcard images/stale/*.c)))
$(eval $(call bare_image,system-tour,$(bare_common) $(wildcard images/system-tour/*.S images/system-tour/*.c)))
$(eval $(call bare_image,tlb-probe,$(bare_common) images/common/wide-division.c $(wildcard images/tlb-probe/*.S images/tlb-probe/*.c)))
$(eval $(call bare_image,bench,$(bare_common) images/common/wide-division.c $(wildcard Benchmarks/Guests/bench/*.c)))

# One guest a file, each of which dies of the mistake that it is named for.
$(foreach death,$(basename $(notdir $(wildcard images/deaths/*.S))),$(eval \
  $(call bare_image,deaths/$(death),images/deaths/$(death).S)))

# One guest a file, and its twin with the flush that was missing. `fine-` guests have no bug and no twin.
missing_flush := $(filter-out bug,$(basename $(notdir $(wildcard images/missing-flush/*.c))))
define missing_flush_twin
bare_images += $(IMAGE_DIR)/missing-flush/$(1)-fixed.elf
$(IMAGE_DIR)/missing-flush/$(1)-fixed.elf: $(patsubst %,$(bare_objects)/%.o,$(bare_common) images/missing-flush/bug.c) \
    $(bare_objects)/images/missing-flush/$(1)-fixed.c.o images/common/flat.ld
	$$(announce)@mkdir -p $$(@D)
	@$$(GUEST_LD) $$(bare_ld_flags) -T images/common/flat.ld $$(filter %.o,$$^) -o $$@
-include $(bare_objects)/images/missing-flush/$(1)-fixed.c.d
endef
$(foreach bug,$(missing_flush),$(eval \
  $(call bare_image,missing-flush/$(bug),$(bare_common) images/missing-flush/bug.c images/missing-flush/$(bug).c)))
$(foreach bug,$(filter-out fine-%,$(missing_flush)),$(eval $(call missing_flush_twin,$(bug))))

# One guest in three builds.
$(eval $(call bare_image,rebuilt/plain,$(bare_common) images/rebuilt/padding.c images/rebuilt/rebuilt.c))
$(eval $(call bare_image,rebuilt/padded,$(bare_common) images/rebuilt/padding-padded.c images/rebuilt/rebuilt.c))
$(eval $(call bare_image,rebuilt/changed,$(bare_common) images/rebuilt/padding-padded.c images/rebuilt/rebuilt-changed.c))

# A disk that boots itself.
bare_images += $(IMAGE_DIR)/bios-tour.img
$(IMAGE_DIR)/bios-tour.img: $(bare_objects)/images/bios-tour/bios-tour.S.o images/bios-tour/disk.ld
	$(announce)@mkdir -p $(@D)
	@$(GUEST_LD) -m elf_i386 -T images/bios-tour/disk.ld $< -o $@
# The benchmark's part that computes on SSE2.
$(bare_objects)/Benchmarks/Guests/bench/sse2.c.o: bare_c_flags += -msse2 -mfpmath=sse

# The rules -----------------------------------------------------------------------------------------------------

IMAGES += $(bare_images)

.PHONY: bare-images
bare-images: $(bare_images)

$(bare_objects)/%.S.o: %.S
	$(announce)@mkdir -p $(@D)
	@$(GUEST_CLANG) $(bare_flags) -c $< -o $@

$(bare_objects)/%-fixed.c.o: %.c
	$(announce)@mkdir -p $(@D)
	@$(GUEST_CLANG) $(bare_flags) $(bare_c_flags) -DFIXED -c $< -o $@

$(bare_objects)/%-padded.c.o: %.c
	@mkdir -p $(@D)
	$(GUEST_CLANG) $(bare_flags) $(bare_c_flags) -DPADDED -c $< -o $@

$(bare_objects)/%-changed.c.o: %.c
	@mkdir -p $(@D)
	$(GUEST_CLANG) $(bare_flags) $(bare_c_flags) -DCHANGED -c $< -o $@

$(bare_objects)/%.c.o: %.c
	$(announce)@mkdir -p $(@D)
	@$(GUEST_CLANG) $(bare_flags) $(bare_c_flags) -c $< -o $@
