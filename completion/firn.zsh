#compdef firn firnfs fsck.firn mkfs.firn
# SPDX-License-Identifier: BSD-2-Clause
# Completion of firn, firnfs, fsck.firn and mkfs.firn in zsh: what each program's own --help says.

if [[ $service == firn ]] && (( CURRENT == 2 )); then
	compadd -- ${(f)"$(_call_program commands firn --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')"}
elif [[ $service == firn && $PREFIX == -* ]]; then
	compadd -- ${(f)"$(_call_program options firn $words[2] --help | grep -oE -e '--[a-z-]+=?')"}
elif [[ $PREFIX == -* ]]; then
	compadd -- ${(f)"$(_call_program options $service --help | grep -oE -e '--[a-z-]+=?')"}
else
	_files -/
fi
