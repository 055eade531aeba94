package libvirt

import "encoding/xml"

// A domain is libvirt's document of a guest, as far as we write or read it.
type domain struct {
	XMLName  xml.Name  `xml:"domain"`
	Type     string    `xml:"type,attr"`
	Name     string    `xml:"name"`
	UUID     string    `xml:"uuid"`
	Title    string    `xml:"title,omitempty"`
	Metadata *metadata `xml:"metadata"`
	Memory   memory    `xml:"memory"`
	VCPU     int       `xml:"vcpu"`
	SysInfo  *sysInfo  `xml:"sysinfo"`
	OS       osInfo    `xml:"os"`
	Features features  `xml:"features"`
	CPU      cpu       `xml:"cpu"`
	Clock    clock     `xml:"clock"`
	PowerOff string    `xml:"on_poweroff"`
	Reboot   string    `xml:"on_reboot"`
	Crash    string    `xml:"on_crash"`
	Devices  devices   `xml:"devices"`
}

type memory struct {
	Unit  string `xml:"unit,attr"`
	Value int    `xml:",chardata"`
}

type sysInfo struct {
	Type    string  `xml:"type,attr"`
	Entries []entry `xml:"system>entry"`
}

type entry struct {
	Name  string `xml:"name,attr"`
	Value string `xml:",chardata"`
}

type osInfo struct {
	Type    osType      `xml:"type"`
	Kernel  string      `xml:"kernel,omitempty"`
	Initrd  string      `xml:"initrd,omitempty"`
	Cmdline string      `xml:"cmdline,omitempty"`
	SMBIOS  *smbiosMode `xml:"smbios"`
}

type osType struct {
	Arch    string `xml:"arch,attr"`
	Machine string `xml:"machine,attr"`
	Value   string `xml:",chardata"`
}

type smbiosMode struct {
	Mode string `xml:"mode,attr"`
}

type features struct {
	ACPI struct{} `xml:"acpi"`
	APIC struct{} `xml:"apic"`
	TCG  *tcg     `xml:"tcg"`
}

type tcg struct {
	Cache memory `xml:"tb-cache"`
}

type cpu struct {
	Mode  string    `xml:"mode,attr"`
	Match string    `xml:"match,attr,omitempty"`
	Check string    `xml:"check,attr,omitempty"`
	Model *cpuModel `xml:"model"`
	Topo  *topology `xml:"topology"`
}

type cpuModel struct {
	Fallback string `xml:"fallback,attr,omitempty"`
	Value    string `xml:",chardata"`
}

type topology struct {
	Sockets int `xml:"sockets,attr"`
	Cores   int `xml:"cores,attr"`
	Threads int `xml:"threads,attr"`
}

type clock struct {
	Offset string `xml:"offset,attr"`
}

type devices struct {
	Emulator    string       `xml:"emulator,omitempty"`
	Disks       []disk       `xml:"disk"`
	Controllers []controller `xml:"controller"`
	Interfaces  []iface      `xml:"interface"`
	Serials     []chardev    `xml:"serial"`
	Consoles    []chardev    `xml:"console"`
	Inputs      []input      `xml:"input"`
	Graphics    []graphics   `xml:"graphics"`
	Videos      []video      `xml:"video"`
	RNGs        []rng        `xml:"rng"`
	Balloon     *balloon     `xml:"memballoon"`
}

type disk struct {
	XMLName   xml.Name   `xml:"disk"`
	Type      string     `xml:"type,attr"`
	Device    string     `xml:"device,attr"`
	Driver    diskDriver `xml:"driver"`
	Source    diskSource `xml:"source"`
	Target    target     `xml:"target"`
	ReadOnly  *struct{}  `xml:"readonly"`
	Shareable *struct{}  `xml:"shareable"`
	Serial    string     `xml:"serial,omitempty"`
	Boot      *bootOrder `xml:"boot"`
	Limits    *limits    `xml:"iotune"`
	Alias     *alias     `xml:"alias"`
	Mirror    *mirror    `xml:"mirror"`
}

// A mirror is where a disk is being copied to.
type mirror struct {
	Type   string     `xml:"type,attr"`
	Ready  string     `xml:"ready,attr"` // yes: it holds all
	Source diskSource `xml:"source"`
}

// limits are QEMU's throttling of a disk, by libvirt's names of them.
type limits struct {
	All []limit `xml:",any"`
}

type limit struct {
	XMLName xml.Name
	Value   int64 `xml:",chardata"`
}

type diskDriver struct {
	Name    string `xml:"name,attr"`
	Type    string `xml:"type,attr"`
	Cache   string `xml:"cache,attr,omitempty"`
	Discard string `xml:"discard,attr,omitempty"`
}

type diskSource struct {
	File       string       `xml:"file,attr,omitempty"`
	Protocol   string       `xml:"protocol,attr,omitempty"`
	Name       string       `xml:"name,attr,omitempty"`
	Hosts      []sourceHost `xml:"host"`
	Auth       *auth        `xml:"auth"`
	Encryption *encryption  `xml:"encryption"`
	Slice      *slice       `xml:"slices>slice"`
}

// A slice is the beginning of a raw disk that stands for all of it.
type slice struct {
	Type   string `xml:"type,attr"`
	Offset int64  `xml:"offset,attr"`
	Size   int64  `xml:"size,attr"`
}

// An encryption has QEMU open a LUKS container with the passphrase of a secret.
type encryption struct {
	Format string    `xml:"format,attr"`
	Secret secretRef `xml:"secret"`
}

type sourceHost struct {
	Name      string `xml:"name,attr,omitempty"`
	Port      string `xml:"port,attr,omitempty"`
	Transport string `xml:"transport,attr,omitempty"`
	Socket    string `xml:"socket,attr,omitempty"`
}

type auth struct {
	Username string    `xml:"username,attr"`
	Secret   secretRef `xml:"secret"`
}

type secretRef struct {
	Type string `xml:"type,attr"`
	UUID string `xml:"uuid,attr"`
}

type target struct {
	Dev string `xml:"dev,attr"`
	Bus string `xml:"bus,attr,omitempty"`
}

type bootOrder struct {
	Order int `xml:"order,attr"`
}

type controller struct {
	Type  string `xml:"type,attr"`
	Index string `xml:"index,attr,omitempty"`
	Model string `xml:"model,attr,omitempty"`
}

type iface struct {
	XMLName xml.Name     `xml:"interface"`
	Type    string       `xml:"type,attr"`
	MAC     macAddress   `xml:"mac"`
	Target  tap          `xml:"target"`
	Model   typed        `xml:"model"`
	Driver  *ifaceDriver `xml:"driver"`
	MTU     *mtu         `xml:"mtu"`
	Alias   *alias       `xml:"alias"`
}

type macAddress struct {
	Address string `xml:"address,attr"`
}

type tap struct {
	Dev     string `xml:"dev,attr"`
	Managed string `xml:"managed,attr,omitempty"`
}

type typed struct {
	Type string `xml:"type,attr"`
}

type ifaceDriver struct {
	Name string   `xml:"name,attr"`
	Host offloads `xml:"host"`
}

type offloads struct {
	CSum string `xml:"csum,attr"`
}

type mtu struct {
	Size int `xml:"size,attr"`
}

type alias struct {
	Name string `xml:"name,attr"`
}

type chardev struct {
	Type   string     `xml:"type,attr"`
	Log    *logFile   `xml:"log"`
	Target charTarget `xml:"target"`
}

type logFile struct {
	File   string `xml:"file,attr"`
	Append string `xml:"append,attr"`
}

type charTarget struct {
	Type string `xml:"type,attr,omitempty"`
	Port string `xml:"port,attr"`
}

type input struct {
	Type string `xml:"type,attr"`
	Bus  string `xml:"bus,attr"`
}

type graphics struct {
	Type   string `xml:"type,attr"`
	Socket string `xml:"socket,attr,omitempty"`
}

type video struct {
	Model typed `xml:"model"`
}

type rng struct {
	Model   string  `xml:"model,attr"`
	Backend backend `xml:"backend"`
}

type backend struct {
	Model string `xml:"model,attr"`
	Value string `xml:",chardata"`
}

type balloon struct {
	Model string `xml:"model,attr"`
	Stats *stats `xml:"stats"`
}

type stats struct {
	Period int `xml:"period,attr"`
}
