# fish completion for corunctl

set -l commands nproc cpu
complete -c corunctl -f
complete -c corunctl -n "not __fish_seen_subcommand_from $commands" -a nproc -d 'Print the number of workers'
complete -c corunctl -n "not __fish_seen_subcommand_from $commands" -a cpu -d 'Explain it'
complete -c corunctl -n "__fish_seen_subcommand_from $commands" -l root -r -F -d 'A folder that stands for the kernel'
complete -c corunctl -n "__fish_seen_subcommand_from $commands" -l cpus -x -d 'So many CPUs'
complete -c corunctl -n "__fish_seen_subcommand_from $commands" -l leaf-only -d 'Without ancestors'
complete -c corunctl -n "__fish_seen_subcommand_from $commands" -l round -x -a 'up down nearest'
complete -c corunctl -n "__fish_seen_subcommand_from $commands" -l min -x -d 'A quota alone never gives less'
complete -c corunctl -n "__fish_seen_subcommand_from $commands" -l max -x -d 'Never more'
complete -c corunctl -n "__fish_seen_subcommand_from cpu" -l watch -d 'Tell each change'
complete -c corunctl -n "__fish_seen_subcommand_from cpu" -l json -d 'As JSON'
complete -c corunctl -n "__fish_seen_subcommand_from cpu" -l capture -r -F -d 'Save the files that decided'
