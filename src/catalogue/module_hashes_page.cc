#include "catalogue/module_hashes_page.h"

#include <string_view>

namespace assay {

namespace {

constexpr std::string_view kPage =
    R"(# MODULE_HASHES: to adopt it, or to refuse it, with open eyes

Written by `assay rules --docs`; do not edit.

CONFIG_MODULE_HASHES lets a kernel load exactly the modules that were built with it, by their hashes and without keys. It is a proposed
series (Thomas Weißschuh, "module: Introduce hash-based integrity checking"), posted in five versions up to 5 May 2026 and not merged. Its
format is read by the kernel built together with it and by nobody else: it is no ABI, and may change with any version. Everything here is
from the patches and their discussion; no such kernel is packaged, none was booted, and every rule is unproven.

| format | versions of the series | in the kernel | behind a module |
|---|---|---|---|
| `list-v3` | 1 to 3 | `.module_hashes`: rows of 32 bytes, SHA-256 of each module | nothing |
| `merkle-v4` | 4 | `.module_hashes`: levels (32 bits, the kernel's byte order), root of a Merkle tree: 36 bytes | a proof: position, one hash a level (428 bytes with what frames it, for 4,000 modules) |
| `merkle-v5` | 5 | the same | the same |

The tree: a leaf is SHA-256(0x01, position in 32 bits big endian, module), a node SHA-256(0x02, left, right), the last of an odd number is
joined with itself (`src/trees/module_tree.h`). It is not the tree of transparency logs (RFC 6962), whose prefixes differ.

## How the versions refuse
| | list-v3 | merkle-v4 | merkle-v5 |
|---|---|---|---|
| a module that the kernel knows | loads | loads | loads |
| no proof, nothing enforced | ENOKEY without MODULE_SIG | **ENOPKG or EBADMSG** | loads, tainted |
| changed after it was hashed, nothing enforced | ENOKEY without MODULE_SIG | loads, tainted | loads, tainted |
| the same, `module.sig_enforce=1` | ENOKEY; EKEYREJECTED with MODULE_SIG | **loads, tainted** | EKEYREJECTED |
| the same, locked down | ENOKEY; EPERM with MODULE_SIG | EPERM | EPERM |
| loaded with modversions or vermagic ignored | loads by its hash | ENOPKG or EBADMSG | as without proof |

The bold ones are defects that version 5 mended. Rule by rule: [v3](module_hashes_v3.md), [v4](module_hashes_v4.md),
[v5](module_hashes_v5.md). `assay judge module` asks them where the platform has `[module_hashes]` ([platform.md](../platform.md)).

## What it gives
- Two builds of one source are equal bit for bit: no key is made for the build, and none is embedded. With the usual build-time key they
  are not, and excising the signatures does not help: the key's certificate is in vmlinux.
- Modules need no second package with signatures, and no infrastructure that has a key.
- A kernel loads its own modules and no others: not those of the last build of the same source, for which a fixed key would vouch.
- The check at run time is a few SHA-256, where PKCS#7, X.509 and their parsers were. Where nothing else is signed (no DKMS, no vendor),
  MODULE_SIG can go.

## What it costs
- Modules built elsewhere (DKMS, vendors) still need CONFIG_MODULE_SIG and a key that the kernel trusts; both may be on, and the outermost
  record of a module alone is judged. The list cannot be extended at run time.
- To rebuild one module and load it again takes a signature, or a new root: another vmlinux, its signature for Secure Boot, a reboot. With a tree the
  proofs of *all* modules change with it.
- Whatever changes a module after it was hashed makes it another: stripping by the packager above all (`dh_strip`, `brp-strip`, Nix's
  fixup phase). Compressing does not, nor compressing again.
- Modules of a build tree have no proofs (virtme-ng); version 4 refuses them with ENOPKG whatever is enforced.
- It excludes CONFIG_MODULE_SIG_ALL and CONFIG_IMA_APPRAISE_MODSIG: an IMA policy that demands appended signatures of modules
  (`appraise func=MODULE_CHECK appraise_type=imasig|modsig`) refuses proofs.
- The build has a circle to break (modules want vmlinux for BTF, vmlinux wants the modules' hashes): vmlinux is patched at the end. Its
  build-id is from before; two kernels that differ in module hashes alone have the same one. `vmlinux.unstripped` keeps a root of zeros.

## What it does not give
- **It does not enforce.** A wrong or missing proof taints (version 5) until `module.sig_enforce=1`, CONFIG_MODULE_SIG_FORCE or lockdown refuses it: a
  module that was tampered with loads on a kernel that enforces nothing, where a broken PKCS#7 signature never did.
- The root is as good as the image that holds it: without Secure Boot, or a verified root file system, who can replace a module can replace vmlinuz.
- It says nothing of the initramfs, of firmware, of what is loaded by `kexec`.
- The hashes tell which build a module belongs to, not who made it.

## Before you decide
| question | if so |
|---|---|
| do users load modules of DKMS or vendors? | keep CONFIG_MODULE_SIG, and a way to enrol keys (MOK); the image then has those keys' rings all the same |
| does anything of your packaging touch a module after `modules_install`? | switch that off first, and hold the packages against the build tree: `assay hashes explain --reference` |
| do you split modules over packages (modules-extra)? | each proof stands alone; all parts are of one build, and are released together |
| do you ship a changed module without its kernel (a driver update)? | not possible by hash: sign it, or ship the kernel |
| does a policy of IMA appraise modules by appended signatures? | the two exclude each other |
| do you sign the image in a second step, after the build? | the root is in the image before, so nothing changes; what signs sees it |
| do you need FIPS? | a crypto module that is not authenticated stops the kernel |
| do you keep several builds of one release? | modules and image of different builds do not mix: the package has to keep them together |

## To adopt it
1. Take version 5. Version 4 refuses what has no marker and lets a wrong proof pass; with versions 1 to 3 and no MODULE_SIG a miss is final, and the kernel prints nothing.
2. Set CONFIG_MODULE_HASHES, and CONFIG_MODULE_INSTALL_STRIP to what INSTALL_MOD_STRIP is to be; turn CONFIG_MODULE_SIG_ALL off. Decide on
   CONFIG_MODULE_SIG for modules of others, and on CONFIG_MODULE_SIG_FORCE.
3. Keep packaging from changing modules: `dh_strip -X.ko`, `%global __brp_strip %{nil}`, `dontStrip = true`.
4. After packaging, before release: `assay hashes verify --kernel vmlinuz PACKAGE` on what users get, and fail the build where it is not 0. It reads
   packages and compressed modules; `explain` says what went wrong.
5. Build it twice, in two places, and compare images and packages.
6. Ask what machines will do: `assay judge module --platform p.toml PACKAGE`, with `[module_hashes]` or the image in the platform, once for each state that you
   support (`sig_enforce`, `lockdown`).
7. Tell users of DKMS what to do: `assay hashes plan --kernel vmlinuz --key MOK.priv --cert MOK.der MODULE`.
8. Going back takes one build with CONFIG_MODULE_SIG_ALL: modules with proofs are unsigned to a kernel without the series (ENOPKG, forgiven where nothing is enforced).

## To refuse it
- A key for each build that is thrown away (CONFIG_MODULE_SIG_KEY as generated) ties modules to their kernel as well. What is lost is that a rebuild is equal:
  the certificate in vmlinux and all signatures differ. `assay excise` takes the signatures off both sides and compares what is left; the certificate in the image remains.
- A key that is kept (a signing service, an HSM) makes builds equal if certificate and signatures are an input of the second build, as Debian's
  `files.json` and SUSE's build service have it: `assay sign --prepare`, `assay attach --answers`, [signing on install](../sign-on-install.md).
- A guarded file system (dm-verity, fs-verity, IMA with `security.ima`) covers modules with everything else, and is a choice for the whole system.
- What is refused is a format that no two kernels share: tools that hold modules against a root have to be built for the version of the series.
)";

}  // namespace

std::string module_hashes_page() { return std::string(kPage); }

}  // namespace assay
